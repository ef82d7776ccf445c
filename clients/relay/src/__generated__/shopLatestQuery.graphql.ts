/**
 * @generated SignedSource<<8d7aa0b5b536bb72160d1fb52371a0a2>>
 * @lightSyntaxTransform
 */

/* tslint:disable */
/* eslint-disable */
// @ts-nocheck

import { ConcreteRequest } from 'relay-runtime';
export type shopLatestQuery$variables = Record<PropertyKey, never>;
export type shopLatestQuery$data = {
  readonly me: {
    readonly id: string;
    readonly notifications: {
      readonly nodes: ReadonlyArray<{
        readonly id: string;
      }>;
    } | null | undefined;
  } | null | undefined;
};
export type shopLatestQuery = {
  response: shopLatestQuery$data;
  variables: shopLatestQuery$variables;
};

const node: ConcreteRequest = (function(){
var v0 = {
  "alias": null,
  "args": null,
  "kind": "ScalarField",
  "name": "id",
  "storageKey": null
},
v1 = [
  {
    "alias": null,
    "args": null,
    "concreteType": "User",
    "kind": "LinkedField",
    "name": "me",
    "plural": false,
    "selections": [
      (v0/*:: as any*/),
      {
        "alias": null,
        "args": [
          {
            "kind": "Literal",
            "name": "first",
            "value": 1
          }
        ],
        "concreteType": "NotificationConnection",
        "kind": "LinkedField",
        "name": "notifications",
        "plural": false,
        "selections": [
          {
            "alias": null,
            "args": null,
            "concreteType": "Notification",
            "kind": "LinkedField",
            "name": "nodes",
            "plural": true,
            "selections": [
              (v0/*:: as any*/)
            ],
            "storageKey": null
          }
        ],
        "storageKey": "notifications(first:1)"
      }
    ],
    "storageKey": null
  }
];
return {
  "fragment": {
    "argumentDefinitions": [],
    "kind": "Fragment",
    "metadata": null,
    "name": "shopLatestQuery",
    "selections": (v1/*:: as any*/),
    "type": "Query",
    "abstractKey": null
  },
  "kind": "Request",
  "operation": {
    "argumentDefinitions": [],
    "kind": "Operation",
    "name": "shopLatestQuery",
    "selections": (v1/*:: as any*/)
  },
  "params": {
    "cacheID": "088f9d73eb7d8d74411f0dcfee4e5623",
    "id": null,
    "metadata": {},
    "name": "shopLatestQuery",
    "operationKind": "query",
    "text": "query shopLatestQuery {\n  me {\n    id\n    notifications(first: 1) {\n      nodes {\n        id\n      }\n    }\n  }\n}\n"
  }
};
})();

(node as any).hash = "056fe0afab3bd1c20dc7286bd1a4eba4";

export default node;
