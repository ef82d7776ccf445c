/**
 * @generated SignedSource<<48eeb9a08e94dd5fce15b3cdd7bd3e45>>
 * @lightSyntaxTransform
 */

/* tslint:disable */
/* eslint-disable */
// @ts-nocheck

import { ConcreteRequest } from 'relay-runtime';
export type SignUpRole = "STUDENT" | "TEACHER";
export type UserErrorCode = "ACCOUNT_SUSPENDED" | "ALREADY_ENROLLED" | "ALREADY_PURCHASED" | "COMPLETION_WOULD_BE_LOST" | "COURSE_HAS_ENROLLMENTS" | "COURSE_IS_DRAFT" | "COURSE_IS_FREE" | "COURSE_WITHDRAWN" | "EMAIL_TAKEN" | "IDEMPOTENCY_KEY_REUSED" | "INVALID_CREDENTIALS" | "INVALID_INPUT" | "INVALID_STATUS_TRANSITION" | "LAST_ADMIN" | "NOT_FOUND" | "NOT_REFUNDABLE" | "OWN_COURSE" | "PAYMENT_NOT_VALID" | "PAYMENT_REQUIRED" | "PRICE_CHANGED" | "SECOND_FACTOR_ENABLED" | "SECOND_FACTOR_NOT_ENABLED" | "SECOND_FACTOR_REQUIRED" | "SESSION_EXPIRED" | "TEACHES_COURSES" | "TOKEN_NOT_VALID" | "TOO_MANY_CHANGES" | "TOO_MANY_DRAFTS" | "WRONG_SECOND_FACTOR";
export type RegisterInput = {
  email: string;
  name: string;
  password: string;
  role?: SignUpRole;
};
export type shopSignUpMutation$variables = {
  input: RegisterInput;
};
export type shopSignUpMutation$data = {
  readonly register: {
    readonly session: {
      readonly accessToken: string;
      readonly refreshToken: string;
    } | null | undefined;
    readonly userErrors: ReadonlyArray<{
      readonly code: UserErrorCode;
    }>;
  } | null | undefined;
};
export type shopSignUpMutation = {
  response: shopSignUpMutation$data;
  variables: shopSignUpMutation$variables;
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
    "concreteType": "RegisterPayload",
    "kind": "LinkedField",
    "name": "register",
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
    "name": "shopSignUpMutation",
    "selections": (v1/*:: as any*/),
    "type": "Mutation",
    "abstractKey": null
  },
  "kind": "Request",
  "operation": {
    "argumentDefinitions": (v0/*:: as any*/),
    "kind": "Operation",
    "name": "shopSignUpMutation",
    "selections": (v1/*:: as any*/)
  },
  "params": {
    "cacheID": "658eb6043a0a5aac8da8ea136d9eb51e",
    "id": null,
    "metadata": {},
    "name": "shopSignUpMutation",
    "operationKind": "mutation",
    "text": "mutation shopSignUpMutation(\n  $input: RegisterInput!\n) {\n  register(input: $input) {\n    session {\n      accessToken\n      refreshToken\n    }\n    userErrors {\n      code\n    }\n  }\n}\n"
  }
};
})();

(node as any).hash = "b83ff4ed97f082d64499937bfe0cc986";

export default node;
