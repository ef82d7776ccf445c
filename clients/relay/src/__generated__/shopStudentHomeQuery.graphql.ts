/**
 * @generated SignedSource<<7e8a04c5058cd0828070cf3c3e272302>>
 * @lightSyntaxTransform
 */

/* tslint:disable */
/* eslint-disable */
// @ts-nocheck

import { ConcreteRequest } from 'relay-runtime';
export type CourseLevel = "ADVANCED" | "BEGINNER" | "INTERMEDIATE";
export type EnrollmentStatus = "COMPLETED" | "ENROLLED" | "IN_PROGRESS";
export type NotificationType = "COURSE" | "ENROLLMENT" | "PAYMENT" | "REGISTRATION" | "SECURITY";
export type PaymentStatus = "COMPLETED" | "FAILED" | "PENDING" | "REFUNDED";
export type shopStudentHomeQuery$variables = Record<PropertyKey, never>;
export type shopStudentHomeQuery$data = {
  readonly me: {
    readonly enrollments: {
      readonly nodes: ReadonlyArray<{
        readonly course: {
          readonly durationMinutes: number;
          readonly id: string;
          readonly level: CourseLevel;
          readonly teacher: {
            readonly id: string;
            readonly name: string;
          } | null | undefined;
          readonly title: string;
        } | null | undefined;
        readonly enrolledAt: string;
        readonly id: string;
        readonly payment: {
          readonly amount: string;
          readonly id: string;
          readonly status: PaymentStatus;
        } | null | undefined;
        readonly status: EnrollmentStatus;
      }>;
      readonly totalCount: number | null | undefined;
    } | null | undefined;
    readonly id: string;
    readonly name: string;
    readonly notifications: {
      readonly nodes: ReadonlyArray<{
        readonly createdAt: string;
        readonly id: string;
        readonly isRead: boolean;
        readonly title: string;
        readonly type: NotificationType;
      }>;
    } | null | undefined;
    readonly unreadNotificationCount: number | null | undefined;
  } | null | undefined;
};
export type shopStudentHomeQuery = {
  response: shopStudentHomeQuery$data;
  variables: shopStudentHomeQuery$variables;
};

const node: ConcreteRequest = (function(){
var v0 = {
  "alias": null,
  "args": null,
  "kind": "ScalarField",
  "name": "id",
  "storageKey": null
},
v1 = {
  "alias": null,
  "args": null,
  "kind": "ScalarField",
  "name": "name",
  "storageKey": null
},
v2 = {
  "alias": null,
  "args": null,
  "kind": "ScalarField",
  "name": "status",
  "storageKey": null
},
v3 = {
  "alias": null,
  "args": null,
  "kind": "ScalarField",
  "name": "title",
  "storageKey": null
},
v4 = [
  {
    "alias": null,
    "args": null,
    "concreteType": "User",
    "kind": "LinkedField",
    "name": "me",
    "plural": false,
    "selections": [
      (v0/*:: as any*/),
      (v1/*:: as any*/),
      {
        "alias": null,
        "args": null,
        "kind": "ScalarField",
        "name": "unreadNotificationCount",
        "storageKey": null
      },
      {
        "alias": null,
        "args": [
          {
            "kind": "Literal",
            "name": "first",
            "value": 20
          }
        ],
        "concreteType": "EnrollmentConnection",
        "kind": "LinkedField",
        "name": "enrollments",
        "plural": false,
        "selections": [
          {
            "alias": null,
            "args": null,
            "kind": "ScalarField",
            "name": "totalCount",
            "storageKey": null
          },
          {
            "alias": null,
            "args": null,
            "concreteType": "Enrollment",
            "kind": "LinkedField",
            "name": "nodes",
            "plural": true,
            "selections": [
              (v0/*:: as any*/),
              (v2/*:: as any*/),
              {
                "alias": null,
                "args": null,
                "kind": "ScalarField",
                "name": "enrolledAt",
                "storageKey": null
              },
              {
                "alias": null,
                "args": null,
                "concreteType": "Course",
                "kind": "LinkedField",
                "name": "course",
                "plural": false,
                "selections": [
                  (v0/*:: as any*/),
                  (v3/*:: as any*/),
                  {
                    "alias": null,
                    "args": null,
                    "kind": "ScalarField",
                    "name": "level",
                    "storageKey": null
                  },
                  {
                    "alias": null,
                    "args": null,
                    "kind": "ScalarField",
                    "name": "durationMinutes",
                    "storageKey": null
                  },
                  {
                    "alias": null,
                    "args": null,
                    "concreteType": "User",
                    "kind": "LinkedField",
                    "name": "teacher",
                    "plural": false,
                    "selections": [
                      (v0/*:: as any*/),
                      (v1/*:: as any*/)
                    ],
                    "storageKey": null
                  }
                ],
                "storageKey": null
              },
              {
                "alias": null,
                "args": null,
                "concreteType": "Payment",
                "kind": "LinkedField",
                "name": "payment",
                "plural": false,
                "selections": [
                  (v0/*:: as any*/),
                  {
                    "alias": null,
                    "args": null,
                    "kind": "ScalarField",
                    "name": "amount",
                    "storageKey": null
                  },
                  (v2/*:: as any*/)
                ],
                "storageKey": null
              }
            ],
            "storageKey": null
          }
        ],
        "storageKey": "enrollments(first:20)"
      },
      {
        "alias": null,
        "args": [
          {
            "kind": "Literal",
            "name": "first",
            "value": 10
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
                "name": "type",
                "storageKey": null
              },
              (v3/*:: as any*/),
              {
                "alias": null,
                "args": null,
                "kind": "ScalarField",
                "name": "isRead",
                "storageKey": null
              },
              {
                "alias": null,
                "args": null,
                "kind": "ScalarField",
                "name": "createdAt",
                "storageKey": null
              }
            ],
            "storageKey": null
          }
        ],
        "storageKey": "notifications(first:10)"
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
    "name": "shopStudentHomeQuery",
    "selections": (v4/*:: as any*/),
    "type": "Query",
    "abstractKey": null
  },
  "kind": "Request",
  "operation": {
    "argumentDefinitions": [],
    "kind": "Operation",
    "name": "shopStudentHomeQuery",
    "selections": (v4/*:: as any*/)
  },
  "params": {
    "cacheID": "bb8ece13f2b48b734468cf131a790c24",
    "id": null,
    "metadata": {},
    "name": "shopStudentHomeQuery",
    "operationKind": "query",
    "text": "query shopStudentHomeQuery {\n  me {\n    id\n    name\n    unreadNotificationCount\n    enrollments(first: 20) {\n      totalCount\n      nodes {\n        id\n        status\n        enrolledAt\n        course {\n          id\n          title\n          level\n          durationMinutes\n          teacher {\n            id\n            name\n          }\n        }\n        payment {\n          id\n          amount\n          status\n        }\n      }\n    }\n    notifications(first: 10) {\n      nodes {\n        id\n        type\n        title\n        isRead\n        createdAt\n      }\n    }\n  }\n}\n"
  }
};
})();

(node as any).hash = "3c7fc097d497308fefd910119eebea65";

export default node;
