/**
 * @generated SignedSource<<f95220762883858963beb54724dffcba>>
 * @lightSyntaxTransform
 */

/* tslint:disable */
/* eslint-disable */
// @ts-nocheck

import { ConcreteRequest } from 'relay-runtime';
export type shopBadRequestQuery$variables = Record<PropertyKey, never>;
export type shopBadRequestQuery$data = {
  readonly courses: {
    readonly nodes: ReadonlyArray<{
      readonly id: string;
    }>;
  } | null | undefined;
};
export type shopBadRequestQuery = {
  response: shopBadRequestQuery$data;
  variables: shopBadRequestQuery$variables;
};

const node: ConcreteRequest = (function(){
var v0 = [
  {
    "alias": null,
    "args": [
      {
        "kind": "Literal",
        "name": "first",
        "value": 1000
      }
    ],
    "concreteType": "CourseConnection",
    "kind": "LinkedField",
    "name": "courses",
    "plural": false,
    "selections": [
      {
        "alias": null,
        "args": null,
        "concreteType": "Course",
        "kind": "LinkedField",
        "name": "nodes",
        "plural": true,
        "selections": [
          {
            "alias": null,
            "args": null,
            "kind": "ScalarField",
            "name": "id",
            "storageKey": null
          }
        ],
        "storageKey": null
      }
    ],
    "storageKey": "courses(first:1000)"
  }
];
return {
  "fragment": {
    "argumentDefinitions": [],
    "kind": "Fragment",
    "metadata": null,
    "name": "shopBadRequestQuery",
    "selections": (v0/*:: as any*/),
    "type": "Query",
    "abstractKey": null
  },
  "kind": "Request",
  "operation": {
    "argumentDefinitions": [],
    "kind": "Operation",
    "name": "shopBadRequestQuery",
    "selections": (v0/*:: as any*/)
  },
  "params": {
    "cacheID": "004c94c8d0cfa06357986a19652cf798",
    "id": null,
    "metadata": {},
    "name": "shopBadRequestQuery",
    "operationKind": "query",
    "text": "query shopBadRequestQuery {\n  courses(first: 1000) {\n    nodes {\n      id\n    }\n  }\n}\n"
  }
};
})();

(node as any).hash = "b6524fa026e91ef91b5681cb296b2863";

export default node;
