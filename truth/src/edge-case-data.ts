// Adds edge cases to the sample data before the system starts: dangling references, UUIDs of version 4, equal
// timestamps, and texts with special characters.

import type { DatabaseName, Databases } from "./databases.ts";
import { snapshot } from "./effects.ts";
import { emails } from "./viewers.ts";

const ADVERSARIAL_TEXTS = [
  "quote \" and ' and \\\\",
  "100%_off",
  '{"a":[1]}',
  "línea\nbreak\ttab",
  "🎓 emoji",
  "$x }",
];
const sqlText = (text: string) => `'${text.replaceAll("'", "''")}'`;

/** A UUID of version 4 that is the same in each run. */
const derivedId = (text: string) =>
  `overlay(overlay(md5(${text}) placing '4' from 13) placing '8' from 17)::uuid`;

/** Makes a reference dangling in every nth row of each list, so that short pages have some, too. */
const addDanglingReferences = (
  table: string,
  column: string,
  { list = "", time = "created_at", n = 5, where = "true" },
) =>
  `update ${table} set ${column} = ${derivedId(`'nowhere ' || ${table}.id`)}
     from (select id, row_number() over (${list} order by ${time} desc, id desc) as place
           from ${table} where ${column} is not null and ${where}) as listed
     where listed.id = ${table}.id and place % ${n} = 2`;

/** Selects every nth row by a hash, independently of any order. */
const everyNth = (n: number, what = "id::text") => `abs(hashtext(${what})) % ${n} = 0`;

export async function addEdgeCases(databases: Databases): Promise<void> {
  const sampleEmails = Object.values(emails).map(sqlText).join(", ");
  const run = async (name: DatabaseName, statements: string[]) => {
    for (const statement of statements) await databases.rows(name, statement);
  };

  await run("identity", [
    `update users set role = 'admin' where email = ${sqlText(emails.admin)}`,
    // Verified, but not a teacher any more.
    `update users set is_verified = true where role = 'student' and ${everyNth(11)}`,
    `delete from users where email not in (${sampleEmails}) and ${everyNth(3)}`,
    `insert into users (id, email, password_hash, name, role, created_at)
       select ${derivedId("'old ' || id")}, 'old.' || email, 'none', 'Old ' || name, role, created_at
       from users where role = 'teacher' and not is_verified
       on conflict do nothing`,
  ]);

  const users = await databases.rows<{ id: string; email: string }>(
    "identity",
    `select id, email from users where email in (${sampleEmails})`,
  );
  const idOf = (email: string) => users.find((person) => person.email === email)?.id ?? "";
  const id = Object.fromEntries(
    Object.entries(emails).map(([name, email]) => [name, sqlText(idOf(email))]),
  );
  const shiftedTime = (column: string) =>
    `(${column} + interval '1 microsecond' * (abs(hashtext(id::text)) % 3 * 333))`;

  await run("course", [
    ...ADVERSARIAL_TEXTS.map(
      (
        text,
        index,
      ) => `update courses set title = ${sqlText(text)} || left(title, 400), description = ${sqlText(text)}
         where abs(hashtext(id::text)) % 25 = ${index}`,
    ),
    `insert into courses (id, teacher_id, title, description, is_free, price, duration_minutes, level, created_at)
       select ${derivedId("'old ' || id")}, teacher_id, 'Old ' || left(title, 400), description, is_free, price,
              duration_minutes, level, ${shiftedTime("created_at")}
       from courses where ${everyNth(3)} on conflict do nothing`,
    `update courses set teacher_id = ${id.unverifiedTeacher} where ${everyNth(13)}`,
    `update courses set teacher_id = ${id.otherTeacher} where ${everyNth(17)}`,
    addDanglingReferences("courses", "teacher_id", {}),
    `update courses set state = 'draft' where ${everyNth(11, "'d' || id")}`,
    `update courses set state = 'withdrawn', withdrawn_by_admin = ${everyNth(2, "'a' || id")}
       where ${everyNth(12, "'w' || id")}`,
    `delete from courses where ${everyNth(4, "'x' || id")}`,
  ]);
  const courses = await databases.rows<{ id: string }>(
    "course",
    `select id from courses where teacher_id = ${id.owningTeacher} order by id`,
  );
  const ownCourses = `array[${courses.map((course) => sqlText(course.id)).join(", ")}]::uuid[]`;

  await run("payment", [
    `delete from payments where ${everyNth(4, "'x' || id")}`,
    `update payments set status = (array['pending', 'failed', 'refunded'])[1 + abs(hashtext(id::text)) % 3]::payment_status
       where ${everyNth(3)}`,
    `insert into refund_requests (payment_id, reason, requested_at, next_attempt_at, refused_at)
       select id, 'requested', now(), now() + interval '1 hour 59 minutes',
              case when ${everyNth(2, "'r' || id")} then now() end
       from payments where status = 'completed' and ${everyNth(2)} on conflict do nothing`,
    `insert into payments (id, student_id, course_id, amount, status, created_at)
       select ${derivedId("'old ' || id")}, student_id, course_id, amount + 0.05, status, ${shiftedTime("created_at")}
       from payments where ${everyNth(2, "'o' || id")} on conflict do nothing`,
    `insert into payments (id, student_id, course_id, amount, status, created_at)
       select ${derivedId("'other ' || id")}, ${id.otherStudent}, course_id, amount, status, created_at
       from payments where ${everyNth(9, "'s' || id")} on conflict do nothing`,
  ]);

  await run("enrollment", [
    `insert into enrollments (id, student_id, course_id, payment_id, status, enrolled_at)
       select ${derivedId("'old ' || id")}, student_id,
              (${ownCourses})[1 + abs(hashtext(id::text)) % ${courses.length}], null, status, ${shiftedTime("enrolled_at")}
       from enrollments where ${everyNth(3)} on conflict do nothing`,
    `update enrollments set student_id = ${id.otherStudent}, payment_id = null
       where id in (select min(id::text)::uuid from enrollments where ${everyNth(7)} and student_id <> ${id.student}
                    and course_id not in (select course_id from enrollments where student_id = ${id.otherStudent})
                    group by course_id)`,
    `delete from enrollments where ${everyNth(9, "'x' || id")}`,
  ]);

  // A payment and the enrollment that it bought must keep the same student.
  const list = "partition by student_id";
  const time = "enrolled_at";
  const boughtNothing = "substr(id::text, 15, 1) = '4'";
  await run("payment", [
    addDanglingReferences("payments", "course_id", { list, n: 4 }),
    addDanglingReferences("payments", "student_id", { where: boughtNothing }),
  ]);
  await run("enrollment", [
    addDanglingReferences("enrollments", "course_id", { list, time, n: 4 }),
    addDanglingReferences("enrollments", "payment_id", { list, time, n: 3 }),
    addDanglingReferences("enrollments", "student_id", {
      list: "partition by course_id",
      time,
      n: 3,
      where: "payment_id is null",
    }),
  ]);

  await run("notification", [
    `insert into notification_settings (user_id, type, is_enabled)
       values (${id.student}, 'enrollment', false), (${id.owningTeacher}, 'registration', true)
       on conflict do nothing`,
    addDanglingReferences("notifications", "subject_id", { list: "partition by user_id", n: 4 }),
    `update notifications set is_read = ${everyNth(2, "'r' || id")}`,
    `insert into notifications (id, user_id, type, title, body, is_read, created_at)
       select ${derivedId("'old ' || id")}, user_id, type, ${sqlText(ADVERSARIAL_TEXTS[0] ?? "")}, body, is_read, ${shiftedTime("created_at")}
       from notifications where ${everyNth(3)} on conflict do nothing`,
    ...["admin", "otherTeacher", "owningTeacher", "unverifiedTeacher", "otherStudent"].map(
      (name) =>
        `update notifications set user_id = ${id[name]} where ${everyNth(40, `'${name}' || id`)}`,
    ),
  ]);

  await snapshot(databases);
}
