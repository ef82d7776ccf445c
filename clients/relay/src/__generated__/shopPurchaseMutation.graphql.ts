/**
 * @generated SignedSource<<2aba405af852f691c12d50411c95f02b>>
 * @lightSyntaxTransform
 */

/* tslint:disable */
/* eslint-disable */
// @ts-nocheck

import { ConcreteRequest } from 'relay-runtime';
export type PaymentStatus = "COMPLETED" | "FAILED" | "PENDING" | "REFUNDED";
export type UserErrorCode = "ACCOUNT_SUSPENDED" | "ALREADY_ENROLLED" | "ALREADY_PURCHASED" | "COMPLETION_WOULD_BE_LOST" | "COURSE_HAS_ENROLLMENTS" | "COURSE_IS_DRAFT" | "COURSE_IS_FREE" | "COURSE_WITHDRAWN" | "EMAIL_TAKEN" | "IDEMPOTENCY_KEY_REUSED" | "INVALID_CREDENTIALS" | "INVALID_INPUT" | "INVALID_STATUS_TRANSITION" | "LAST_ADMIN" | "NOT_FOUND" | "NOT_REFUNDABLE" | "OWN_COURSE" | "PAYMENT_NOT_VALID" | "PAYMENT_REQUIRED" | "PRICE_CHANGED" | "SECOND_FACTOR_ENABLED" | "SECOND_FACTOR_NOT_ENABLED" | "SECOND_FACTOR_REQUIRED" | "SESSION_EXPIRED" | "TEACHES_COURSES" | "TOKEN_NOT_VALID" | "TOO_MANY_CHANGES" | "TOO_MANY_DRAFTS" | "WRONG_SECOND_FACTOR";
export type PurchaseCourseInput = {
  courseId: string;
  expectedAmount?: string | null | undefined;
  idempotencyKey: string;
};
export type shopPurchaseMutation$variables = {
  input: PurchaseCourseInput;
};
export type shopPurchaseMutation$data = {
  readonly purchaseCourse: {
    readonly payment: {
      readonly id: string;
      readonly status: PaymentStatus;
    } | null | undefined;
    readonly userErrors: ReadonlyArray<{
      readonly code: UserErrorCode;
    }>;
  } | null | undefined;
};
export type shopPurchaseMutation = {
  response: shopPurchaseMutation$data;
  variables: shopPurchaseMutation$variables;
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
    "concreteType": "PurchaseCoursePayload",
    "kind": "LinkedField",
    "name": "purchaseCourse",
    "plural": false,
    "selections": [
      {
        "alias": null,
        "args": null,
        "concreteType": "Payment",
        "kind": "LinkedField",
        "name": "payment",
        "plural": false,
        "selections": [
          {
            "alias": null,
            "args": null,
            "kind": "ScalarField",
            "name": "id",
            "storageKey": null
          },
          {
            "alias": null,
            "args": null,
            "kind": "ScalarField",
            "name": "status",
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
    "name": "shopPurchaseMutation",
    "selections": (v1/*:: as any*/),
    "type": "Mutation",
    "abstractKey": null
  },
  "kind": "Request",
  "operation": {
    "argumentDefinitions": (v0/*:: as any*/),
    "kind": "Operation",
    "name": "shopPurchaseMutation",
    "selections": (v1/*:: as any*/)
  },
  "params": {
    "cacheID": "23d92e41e08e523d09009b2140e6f46f",
    "id": null,
    "metadata": {},
    "name": "shopPurchaseMutation",
    "operationKind": "mutation",
    "text": "mutation shopPurchaseMutation(\n  $input: PurchaseCourseInput!\n) {\n  purchaseCourse(input: $input) {\n    payment {\n      id\n      status\n    }\n    userErrors {\n      code\n    }\n  }\n}\n"
  }
};
})();

(node as any).hash = "ee13415fa0e54d84bd9a69b938f292b7";

export default node;
