/**
 * @generated SignedSource<<88d2cde951c58b7eb159ffcf105d624a>>
 * @lightSyntaxTransform
 */

/* tslint:disable */
/* eslint-disable */
// @ts-nocheck

import { ConcreteRequest } from 'relay-runtime';
import { FragmentRefs } from "relay-runtime";
export type teacherDetailsQuery$variables = {
  id: string;
  isOpen?: boolean | null | undefined;
};
export type teacherDetailsQuery$data = {
  readonly node: {
    readonly " $fragmentSpreads": FragmentRefs<"teacher_details">;
  } | null | undefined;
};
export type teacherDetailsQuery = {
  response: teacherDetailsQuery$data;
  variables: teacherDetailsQuery$variables;
};

const node: ConcreteRequest = (function(){
var v0 = {
  "defaultValue": null,
  "kind": "LocalArgument",
  "name": "id"
},
v1 = {
  "defaultValue": false,
  "kind": "LocalArgument",
  "name": "isOpen"
},
v2 = [
  {
    "kind": "Variable",
    "name": "id",
    "variableName": "id"
  }
];
return {
  "fragment": {
    "argumentDefinitions": [
      (v0/*:: as any*/),
      (v1/*:: as any*/)
    ],
    "kind": "Fragment",
    "metadata": null,
    "name": "teacherDetailsQuery",
    "selections": [
      {
        "alias": null,
        "args": (v2/*:: as any*/),
        "concreteType": null,
        "kind": "LinkedField",
        "name": "node",
        "plural": false,
        "selections": [
          {
            "args": [
              {
                "kind": "Variable",
                "name": "isOpen",
                "variableName": "isOpen"
              }
            ],
            "kind": "FragmentSpread",
            "name": "teacher_details"
          }
        ],
        "storageKey": null
      }
    ],
    "type": "Query",
    "abstractKey": null
  },
  "kind": "Request",
  "operation": {
    "argumentDefinitions": [
      (v1/*:: as any*/),
      (v0/*:: as any*/)
    ],
    "kind": "Operation",
    "name": "teacherDetailsQuery",
    "selections": [
      {
        "alias": null,
        "args": (v2/*:: as any*/),
        "concreteType": null,
        "kind": "LinkedField",
        "name": "node",
        "plural": false,
        "selections": [
          {
            "alias": null,
            "args": null,
            "kind": "ScalarField",
            "name": "__typename",
            "storageKey": null
          },
          {
            "alias": null,
            "args": null,
            "kind": "ScalarField",
            "name": "id",
            "storageKey": null
          },
          {
            "kind": "InlineFragment",
            "selections": [
              {
                "alias": null,
                "args": null,
                "kind": "ScalarField",
                "name": "title",
                "storageKey": null
              },
              {
                "condition": "isOpen",
                "kind": "Condition",
                "passingValue": true,
                "selections": [
                  {
                    "alias": null,
                    "args": null,
                    "kind": "ScalarField",
                    "name": "description",
                    "storageKey": null
                  }
                ]
              }
            ],
            "type": "Course",
            "abstractKey": null
          }
        ],
        "storageKey": null
      }
    ]
  },
  "params": {
    "cacheID": "5c89df4575f8f91c70c47f4facc3dac2",
    "id": null,
    "metadata": {},
    "name": "teacherDetailsQuery",
    "operationKind": "query",
    "text": "query teacherDetailsQuery(\n  $isOpen: Boolean = false\n  $id: ID!\n) {\n  node(id: $id) {\n    __typename\n    ...teacher_details_27Rn4z\n    id\n  }\n}\n\nfragment teacher_details_27Rn4z on Course {\n  title\n  description @include(if: $isOpen)\n  id\n}\n"
  }
};
})();

(node as any).hash = "75812815d5e62d6d02a995469e1a49fb";

export default node;
