import { useState } from 'react';
import { useQuery } from 'urql';
import { Link, useLocation } from 'wouter';
import { isBadId, type Problem } from '../client/problems';
import { randomKey } from '../client/random-key';
import { useAction } from '../client/use-action';
import {
  type CourseLevel,
  CreateCourseDocument,
  DeleteCourseDocument,
  EditedCourseDocument,
  type EditedFieldsFragment,
  UpdateCourseDocument,
} from '../gql/graphql';
import { Dialog } from '../parts/dialog';
import { Area, Field, Form, Problems } from '../parts/form';
import { PageTitle } from '../parts/page-title';
import { Failed, Loading, Missing } from '../parts/states';
import { say } from '../parts/toasts';
import { LEVELS, STATES } from '../parts/words';
import { useViewer } from '../shell/viewer';
import { StateButton } from './state-button';

export default function CourseForm({ courseId }: { courseId?: string }) {
  return courseId === undefined ? <NewCourse /> : <EditCourse id={courseId} />;
}

function NewCourse() {
  const create = useAction(CreateCourseDocument);
  const [, navigate] = useLocation();
  // One key for one form: a form that is sent twice creates one course.
  const [idempotencyKey] = useState(randomKey);

  async function save(values: Values) {
    const { data } = await create.run({ input: { ...inputOf(values), isDraft: true, idempotencyKey } });
    const course = data?.createCourse?.course;
    if (!course) return;
    say('Your draft is saved. Publish it when it is ready.');
    navigate(`/teaching/${course.id}`);
  }
  return (
    <div className="narrow">
      <Back />
      <header className="page-head">
        <PageTitle>A new course</PageTitle>
        <p className="lead">It begins as a draft, which only you can see.</p>
      </header>
      <Fields problems={create.problems} busy={create.busy} onSave={save} button="Save the draft" />
    </div>
  );
}

function EditCourse({ id }: { id: string }) {
  const viewer = useViewer();
  const [{ data, error }] = useQuery({ query: EditedCourseDocument, variables: { courseId: id } });
  const update = useAction(UpdateCourseDocument);
  const course = data?.course;
  if (error && !course && !isBadId(error)) return <Failed error={error} />;
  if ((!data && !error) || viewer === undefined) return <Loading what="the course" />;
  if (!course || (course.teacher?.id !== viewer?.id && viewer?.role !== 'ADMIN'))
    return (
      <Missing title="Not one of your courses">
        <p>There is no course of yours at this address.</p>
        <Link className="button primary" href="/teaching">
          To my teaching
        </Link>
      </Missing>
    );

  async function save(values: Values) {
    const { data: saved } = await update.run({ input: { courseId: id, ...inputOf(values) } });
    if (saved) say('Saved.');
  }
  return (
    <div className="narrow">
      <Back />
      <header className="page-head with-action">
        <div>
          <p className="eyebrow">
            <span className={`tag ${course.state.toLowerCase()}`}>{STATES[course.state]}</span>
          </p>
          <PageTitle>{course.title}</PageTitle>
          <p className="facts small">
            <Link href={`/courses/${id}`}>See its page</Link>
            <Link href={`/teaching/${id}/students`}>Its students</Link>
          </p>
        </div>
        <StateButton course={course} />
      </header>
      <Fields
        course={course}
        problems={update.problems}
        busy={update.busy}
        onSave={save}
        button="Save changes"
      />
      <Delete course={course} />
    </div>
  );
}

function Back() {
  return (
    <p className="small">
      <Link href="/teaching">← My teaching</Link>
    </p>
  );
}

type Values = Record<string, string>;

interface FieldsProps {
  course?: EditedFieldsFragment;
  problems: Problem[];
  busy: boolean;
  onSave: (values: Values) => void;
  button: string;
}

function Fields({ course, problems, busy, onSave, button }: FieldsProps) {
  const [isFree, setIsFree] = useState(course?.isFree ?? true);
  return (
    <Form onSubmit={onSave} problems={problems}>
      <Field
        label="Title"
        name="title"
        required
        maxLength={500}
        defaultValue={course?.title}
        problems={problems}
      />
      <Area
        label="Description"
        name="description"
        rows={8}
        maxLength={20_000}
        defaultValue={course?.description ?? ''}
        problems={problems}
        hint="What will people be able to do afterwards? An empty line begins a paragraph."
      />
      <fieldset className="field choice">
        <legend>Level</legend>
        <div className="chips">
          {(Object.keys(LEVELS) as CourseLevel[]).map((level) => (
            <label key={level} className="chip">
              <input
                type="radio"
                name="level"
                value={level}
                defaultChecked={level === (course?.level ?? 'BEGINNER')}
              />
              {LEVELS[level]}
            </label>
          ))}
        </div>
      </fieldset>
      <Field
        label="Length in minutes"
        name="durationMinutes"
        type="number"
        min={0}
        max={1_000_000}
        required
        defaultValue={course?.durationMinutes ?? 60}
        problems={problems}
      />
      <fieldset className="field choice">
        <legend>Price</legend>
        <div className="chips">
          {[
            ['true', 'Free'],
            ['false', 'Paid'],
          ].map(([value, label]) => (
            <label key={value} className="chip">
              <input
                type="radio"
                name="isFree"
                value={value}
                checked={isFree === (value === 'true')}
                onChange={() => setIsFree(value === 'true')}
              />
              {label}
            </label>
          ))}
        </div>
      </fieldset>
      {!isFree && (
        <Field
          label="Price in euros"
          name="price"
          inputMode="decimal"
          required
          pattern="[0-9]+([.,][0-9]{1,2})?"
          title="An amount such as 49.90"
          defaultValue={course?.price ?? ''}
          problems={problems}
        />
      )}
      <div className="actions start">
        <button type="submit" className="button primary" aria-disabled={busy}>
          {busy ? 'Saving…' : button}
        </button>
      </div>
    </Form>
  );
}

function inputOf(values: Values) {
  const isFree = values.isFree === 'true';
  return {
    title: values.title ?? '',
    description: values.description ?? '',
    level: values.level as CourseLevel,
    durationMinutes: Number(values.durationMinutes),
    isFree,
    ...(isFree ? {} : { price: (values.price ?? '').replace(',', '.') }),
  };
}

function Delete({ course }: { course: EditedFieldsFragment }) {
  const remove = useAction(DeleteCourseDocument);
  const [, navigate] = useLocation();
  const [isAsking, setIsAsking] = useState(false);
  async function run() {
    const { data } = await remove.run({ input: { courseId: course.id } });
    if (!data) return;
    say(`“${course.title}” is deleted.`);
    navigate('/teaching', { replace: true });
  }
  return (
    <section className="danger-zone" aria-labelledby="delete">
      <h2 id="delete">Delete this course</h2>
      <p className="muted">Only a course that nobody has joined or bought can be deleted, for good.</p>
      <button type="button" className="button danger quiet" onClick={() => setIsAsking(true)}>
        Delete…
      </button>
      {isAsking && (
        <Dialog title="Delete it for good?" onClose={() => setIsAsking(false)}>
          <p>“{course.title}” cannot be brought back.</p>
          <Problems problems={remove.problems} />
          <div className="actions">
            <button type="button" className="button" onClick={() => setIsAsking(false)}>
              Keep it
            </button>
            <button type="button" className="button danger" aria-disabled={remove.busy} onClick={run}>
              Delete
            </button>
          </div>
        </Dialog>
      )}
    </section>
  );
}
