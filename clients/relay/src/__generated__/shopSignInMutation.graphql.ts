/**
 * @generated SignedSource<<efa19fc461e81e7571ac004896bf7c7e>>
 * @lightSyntaxTransform
 */

/* tslint:disable */
/* eslint-disable */
// @ts-nocheck

import { ConcreteRequest } from 'relay-runtime';
export type UserErrorCode = "ACCOUNT_SUSPENDED" | "ALREADY_ENROLLED" | "ALREADY_PURCHASED" | "COMPLETION_WOULD_BE_LOST" | "COURSE_HAS_ENROLLMENTS" | "COURSE_IS_DRAFT" | "COURSE_IS_FREE" | "COURSE_WITHDRAWN" | "EMAIL_TAKEN" | "IDEMPOTENCY_KEY_REUSED" | "INVALID_CREDENTIALS" | "INVALID_INPUT" | "INVALID_STATUS_TRANSITION" | "LAST_ADMIN" | "NOT_FOUND" | "NOT_REFUNDABLE" | "OWN_COURSE" | "PAYMENT_NOT_VALID" | "PAYMENT_REQUIRED" | "PRICE_CHANGED" | "SECOND_FACTOR_ENABLED" | "SECOND_FACTOR_NOT_ENABLED" | "SECOND_FACTOR_REQUIRED" | "SESSION_EXPIRED" | "TEACHES_COURSES" | "TOKEN_NOT_VALID" | "TOO_MANY_CHANGES" | "TOO_MANY_DRAFTS" | "WRONG_SECOND_FACTOR";
export type LoginInput = {
  email: string;
  password: string;
  secondFactorCode?: string | null | undefined;
};
export type shopSignInMutation$variables = {
  input: LoginInput;
};
export type shopSignInMutation$data = {
  readonly login: {
    readonly session: {
      readonly accessToken: string;
      readonly refreshToken: string;
    } | null | undefined;
    readonly userErrors: ReadonlyArray<{
      readonly code: UserErrorCode;
    }>;
  } | null | undefined;
};
export type shopSignInMutation = {
  response: shopSignInMutation$data;
  variables: shopSignInMutation$variables;
};

const node: ConcreteRequest = (function(){
var v0 = [
  {
    "defaultValue": null,
    "kind": "LocalArgument",
    "name": "input"
  }
],
v1 = [
  {
    "alias": null,
    "args": [
      {
        "kind": "Variable",
        "name": "input",
        "variableName": "input"
      }
    ],
    "concreteType": "LoginPayload",
    "kind": "LinkedField",
    "name": "login",
    "plural": false,
    "selections": [
      {
        "alias": null,
        "args": null,
        "concreteType": "Session",
        "kind": "LinkedField",
        "name": "session",
        "plural": false,
        "selections": [
          {
            "alias": null,
            "args": null,
            "kind": "ScalarField",
            "name": "accessToken",
            "storageKey": null
          },
          {
            "alias": null,
            "args": null,
            "kind": "ScalarField",
            "name": "refreshToken",
            "storageKey": null
          }
        ],
        "storageKey": null
      },
      {
        "alias": null,
        "args": null,
        "concreteType": "UserError",
        "kind": "LinkedField",
        "name": "userErrors",
        "plural": true,
        "selections": [
          {
            "alias": null,
            "args": null,
            "kind": "ScalarField",
            "name": "code",
            "storageKey": null
          }
        ],
        "storageKey": null
      }
    ],
    "storageKey": null
  }
];
return {
  "fragment": {
    "argumentDefinitions": (v0/*:: as any*/),
    "kind": "Fragment",
    "metadata": null,
    "name": "shopSignInMutation",
    "selections": (v1/*:: as any*/),
    "type": "Mutation",
    "abstractKey": null
  },
  "kind": "Request",
  "operation": {
    "argumentDefinitions": (v0/*:: as any*/),
    "kind": "Operation",
    "name": "shopSignInMutation",
    "selections": (v1/*:: as any*/)
  },
  "params": {
    "cacheID": "5361471145579ac87d4431473c93bed2",
    "id": null,
    "metadata": {},
    "name": "shopSignInMutation",
    "operationKind": "mutation",
    "text": "mutation shopSignInMutation(\n  $input: LoginInput!\n) {\n  login(input: $input) {\n    session {\n      accessToken\n      refreshToken\n    }\n    userErrors {\n      code\n    }\n  }\n}\n"
  }
};
})();

(node as any).hash = "e5dde4dc0f9a4b76b3fbfceb4ce09ab2";

export default node;
