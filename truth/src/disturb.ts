// Makes the sample data awkward, before the system starts: what others point to is deleted, ids are of an older
// make, moments are equal, texts have signs that somebody might take for their own.

import type { DatabaseName, Databases } from "./databases.ts";
import { remember } from "./effects.ts";
import { addresses } from "./viewers.ts";

const TEXTS = [
  "quote \" and ' and \\\\",
  "100%_off",
  '{"a":[1]}',
  "línea\nbreak\ttab",
  "🎓 emoji",
  "$x }",
];
const sqlText = (text: string) => `'${text.replaceAll("'", "''")}'`;

/** An id of version 4, the same at each run. */
const madeUp = (text: string) =>
  `overlay(overlay(md5(${text}) placing '4' from 13) placing '8' from 17)::uuid`;

/** What points to nothing, in every nth row of each list, so that also short pages have some. */
const pointNowhere = (
  table: string,
  column: string,
  { list = "", time = "created_at", n = 5, where = "true" },
) =>
  `update ${table} set ${column} = ${madeUp(`'nowhere ' || ${table}.id`)}
     from (select id, row_number() over (${list} order by ${time} desc, id desc) as place
           from ${table} where ${column} is not null and ${where}) as listed
     where listed.id = ${table}.id and place % ${n} = 2`;

/** Every nth row, by a hash that has nothing to do with any order. */
const nth = (n: number, what = "id::text") => `abs(hashtext(${what})) % ${n} = 0`;

export async function disturb(databases: Databases): Promise<void> {
  const emails = Object.values(addresses).map(sqlText).join(", ");
  const change = async (name: DatabaseName, statements: string[]) => {
    for (const statement of statements) await databases.rows(name, statement);
  };

  await change("identity", [
    `update users set role = 'admin' where email = ${sqlText(addresses.admin)}`,
    // Was a teacher once: verified, and no teacher.
    `update users set is_verified = true where role = 'student' and ${nth(11)}`,
    `delete from users where email not in (${emails}) and ${nth(3)}`,
    `insert into users (id, email, password_hash, name, role, created_at)
       select ${madeUp("'old ' || id")}, 'old.' || email, 'none', 'Old ' || name, role, created_at
       from users where role = 'teacher' and not is_verified
       on conflict do nothing`,
  ]);

  const people = await databases.rows<{ id: string; email: string }>(
    "identity",
    `select id, email from users where email in (${emails})`,
  );
  const idOf = (email: string) => people.find((person) => person.email === email)?.id ?? "";
  const id = Object.fromEntries(
    Object.entries(addresses).map(([name, email]) => [name, sqlText(idOf(email))]),
  );
  const old = (column: string) =>
    `(${column} + interval '1 microsecond' * (abs(hashtext(id::text)) % 3 * 333))`;

  await change("course", [
    ...TEXTS.map(
      (
        text,
        index,
      ) => `update courses set title = ${sqlText(text)} || left(title, 400), description = ${sqlText(text)}
         where abs(hashtext(id::text)) % 25 = ${index}`,
    ),
    `insert into courses (id, teacher_id, title, description, is_free, price, duration_minutes, level, created_at)
       select ${madeUp("'old ' || id")}, teacher_id, 'Old ' || left(title, 400), description, is_free, price,
              duration_minutes, level, ${old("created_at")}
       from courses where ${nth(3)} on conflict do nothing`,
    `update courses set teacher_id = ${id.unverifiedTeacher} where ${nth(13)}`,
    `update courses set teacher_id = ${id.otherTeacher} where ${nth(17)}`,
    pointNowhere("courses", "teacher_id", {}),
    `delete from courses where ${nth(4, "'x' || id")}`,
  ]);
  const courses = await databases.rows<{ id: string }>(
    "course",
    `select id from courses where teacher_id = ${id.owningTeacher} order by id`,
  );
  const own = `array[${courses.map((course) => sqlText(course.id)).join(", ")}]::uuid[]`;

  await change("payment", [
    `delete from payments where ${nth(4, "'x' || id")}`,
    `update payments set status = (array['pending', 'failed', 'refunded'])[1 + abs(hashtext(id::text)) % 3]::payment_status
       where ${nth(3)}`,
    `insert into refund_requests (payment_id, reason, requested_at, next_attempt_at, refused_at)
       select id, 'requested', now(), now() + interval '1 year',
              case when ${nth(2, "'r' || id")} then now() end
       from payments where status = 'completed' and ${nth(2)} on conflict do nothing`,
    `insert into payments (id, student_id, course_id, amount, status, created_at)
       select ${madeUp("'old ' || id")}, student_id, course_id, amount + 0.05, status, ${old("created_at")}
       from payments where ${nth(2, "'o' || id")} on conflict do nothing`,
    `insert into payments (id, student_id, course_id, amount, status, created_at)
       select ${madeUp("'other ' || id")}, ${id.otherStudent}, course_id, amount, status, created_at
       from payments where ${nth(9, "'s' || id")} on conflict do nothing`,
  ]);

  await change("enrollment", [
    `insert into enrollments (id, student_id, course_id, payment_id, status, enrolled_at)
       select ${madeUp("'old ' || id")}, student_id,
              (${own})[1 + abs(hashtext(id::text)) % ${courses.length}], null, status, ${old("enrolled_at")}
       from enrollments where ${nth(3)} on conflict do nothing`,
    `update enrollments set student_id = ${id.otherStudent}, payment_id = null
       where id in (select min(id::text)::uuid from enrollments where ${nth(7)} and student_id <> ${id.student}
                    and course_id not in (select course_id from enrollments where student_id = ${id.otherStudent})
                    group by course_id)`,
    `delete from enrollments where ${nth(9, "'x' || id")}`,
  ]);

  // A payment and the place that it bought are the same student's, here as elsewhere.
  const list = "partition by student_id";
  const time = "enrolled_at";
  const boughtNothing = "substr(id::text, 15, 1) = '4'";
  await change("payment", [
    pointNowhere("payments", "course_id", { list, n: 4 }),
    pointNowhere("payments", "student_id", { where: boughtNothing }),
  ]);
  await change("enrollment", [
    pointNowhere("enrollments", "course_id", { list, time, n: 4 }),
    pointNowhere("enrollments", "payment_id", { list, time, n: 3 }),
    pointNowhere("enrollments", "student_id", {
      list: "partition by course_id",
      time,
      n: 3,
      where: "payment_id is null",
    }),
  ]);

  await change("notification", [
    `update notifications set is_read = ${nth(2, "'r' || id")}`,
    `insert into notifications (id, user_id, type, title, body, is_read, created_at)
       select ${madeUp("'old ' || id")}, user_id, type, ${sqlText(TEXTS[0] ?? "")}, body, is_read, ${old("created_at")}
       from notifications where ${nth(3)} on conflict do nothing`,
    ...["admin", "otherTeacher", "owningTeacher", "unverifiedTeacher", "otherStudent"].map(
      (name) =>
        `update notifications set user_id = ${id[name]} where ${nth(40, `'${name}' || id`)}`,
    ),
  ]);

  await remember(databases);
}
