/**
 * @generated SignedSource<<63975c283fabe0a6dab7309831a6f943>>
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
        readonly body: string;
        readonly id: string;
        readonly title: string;
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
            "value": 20
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
              (v0/*:: as any*/),
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
        ],
        "storageKey": "notifications(first:20)"
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
    "cacheID": "2b261eadbfd519a8ed89838c8b18d07a",
    "id": null,
    "metadata": {},
    "name": "shopLatestQuery",
    "operationKind": "query",
    "text": "query shopLatestQuery {\n  me {\n    id\n    notifications(first: 20) {\n      nodes {\n        id\n        title\n        body\n      }\n    }\n  }\n}\n"
  }
};
})();

(node as any).hash = "0c7bf1d5afce31273dab2fbd055be26a";

export default node;
