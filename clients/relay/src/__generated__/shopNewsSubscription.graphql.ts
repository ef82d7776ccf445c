/**
 * @generated SignedSource<<8f0602ec8fc627b5861837c18b127aac>>
 * @lightSyntaxTransform
 */

/* tslint:disable */
/* eslint-disable */
// @ts-nocheck

import { ConcreteRequest } from 'relay-runtime';
export type shopNewsSubscription$variables = {
  after?: string | null | undefined;
};
export type shopNewsSubscription$data = {
  readonly notificationAdded: {
    readonly body: string;
    readonly id: string;
    readonly title: string;
  };
};
export type shopNewsSubscription = {
  response: shopNewsSubscription$data;
  variables: shopNewsSubscription$variables;
};

const node: ConcreteRequest = (function(){
var v0 = [
  {
    "defaultValue": null,
    "kind": "LocalArgument",
    "name": "after"
  }
],
v1 = [
  {
    "alias": null,
    "args": [
      {
        "kind": "Variable",
        "name": "after",
        "variableName": "after"
      }
    ],
    "concreteType": "Notification",
    "kind": "LinkedField",
    "name": "notificationAdded",
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
        "name": "title",
        "storageKey": null
      },
      {
        "alias": null,
        "args": null,
        "kind": "ScalarField",
        "name": "body",
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
    "name": "shopNewsSubscription",
    "selections": (v1/*:: as any*/),
    "type": "Subscription",
    "abstractKey": null
  },
  "kind": "Request",
  "operation": {
    "argumentDefinitions": (v0/*:: as any*/),
    "kind": "Operation",
    "name": "shopNewsSubscription",
    "selections": (v1/*:: as any*/)
  },
  "params": {
    "cacheID": "9a1dee24084087ca8fffc27c693d05eb",
    "id": null,
    "metadata": {},
    "name": "shopNewsSubscription",
    "operationKind": "subscription",
    "text": "subscription shopNewsSubscription(\n  $after: ID\n) {\n  notificationAdded(after: $after) {\n    id\n    title\n    body\n  }\n}\n"
  }
};
})();

(node as any).hash = "cca60cd1dc54e542bf1ac80f5c82e050";

export default node;
