// The seven viewers of docs/permissions.json, as users of the sample data.

import type { Viewer, ViewerName } from "./permissions.ts";
import type { Tables } from "./rows.ts";

/** The password of every user in the sample data. */
export const PASSWORD = "lyceum-sample";

export const emails: Record<Exclude<ViewerName, "anonymous">, string> = {
  student: "student1@lyceum.example",
  otherStudent: "student2@lyceum.example",
  owningTeacher: "teacher1@lyceum.example",
  otherTeacher: "teacher3@lyceum.example",
  unverifiedTeacher: "teacher2@lyceum.example",
  // `addEdgeCases` makes this user an admin.
  admin: "student3@lyceum.example",
};

export const ANONYMOUS: Viewer = { name: "anonymous", id: null, role: null, isVerified: false };

export function findViewers(tables: Tables): Viewer[] {
  const users = Object.entries(emails).map(([name, email]) => {
    const user = tables.User.all().find((row) => row.email === email);
    if (!user) throw new Error(`the sample data has no ${email}`);
    const { id, role, isVerified } = user;
    return { name: name as ViewerName, id, role, isVerified };
  });
  return [ANONYMOUS, ...users];
}
