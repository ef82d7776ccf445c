/**
 * @generated SignedSource<<1a894f2187879d4d45002cc1e92afe44>>
 * @lightSyntaxTransform
 */

/* tslint:disable */
/* eslint-disable */
// @ts-nocheck

import { ConcreteRequest } from 'relay-runtime';
export type shopMeQuery$variables = Record<PropertyKey, never>;
export type shopMeQuery$data = {
  readonly me: {
    readonly id: string;
    readonly name: string;
  } | null | undefined;
};
export type shopMeQuery = {
  response: shopMeQuery$data;
  variables: shopMeQuery$variables;
};

const node: ConcreteRequest = (function(){
var v0 = [
  {
    "alias": null,
    "args": null,
    "concreteType": "User",
    "kind": "LinkedField",
    "name": "me",
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
        "name": "name",
        "storageKey": null
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
    "name": "shopMeQuery",
    "selections": (v0/*:: as any*/),
    "type": "Query",
    "abstractKey": null
  },
  "kind": "Request",
  "operation": {
    "argumentDefinitions": [],
    "kind": "Operation",
    "name": "shopMeQuery",
    "selections": (v0/*:: as any*/)
  },
  "params": {
    "cacheID": "f7a02a6d673190761d27006020b31f92",
    "id": null,
    "metadata": {},
    "name": "shopMeQuery",
    "operationKind": "query",
    "text": "query shopMeQuery {\n  me {\n    id\n    name\n  }\n}\n"
  }
};
})();

(node as any).hash = "d570c31d7f4eb13bdb2e2bac05f7cf6d";

export default node;
