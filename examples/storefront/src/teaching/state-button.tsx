import { useState } from 'react';
import { useAction } from '../client/use-action';
import { type CourseState, PublishCourseDocument, WithdrawCourseDocument } from '../gql/graphql';
import { Dialog } from '../parts/dialog';
import { Problems } from '../parts/form';
import { say } from '../parts/toasts';

interface Props {
  course: { id: string; title: string; state: CourseState };
  small?: boolean;
  onChange?: () => void;
}

/** Publishes a draft or a withdrawn course; withdraws one that is on sale, after a question. */
export function StateButton({ course, small = false, onChange }: Props) {
  const publish = useAction(PublishCourseDocument);
  const withdraw = useAction(WithdrawCourseDocument);
  const [isAsking, setIsAsking] = useState(false);
  const size = small ? ' small' : '';

  async function put() {
    const { data } = await publish.run({ input: { courseId: course.id } });
    if (!data) return;
    say(`“${course.title}” is on sale.`);
    onChange?.();
  }
  async function take() {
    const { data } = await withdraw.run({ input: { courseId: course.id } });
    if (!data) return;
    say(`“${course.title}” is no longer on sale.`);
    setIsAsking(false);
    onChange?.();
  }
  if (course.state !== 'PUBLISHED')
    return (
      <div className="state-button">
        <button type="button" className={`button primary${size}`} aria-disabled={publish.busy} onClick={put}>
          {course.state === 'DRAFT' ? 'Publish' : 'Publish again'}
          <span className="visually-hidden"> {course.title}</span>
        </button>
        <Problems problems={publish.problems} />
      </div>
    );
  return (
    <div className="state-button">
      <button type="button" className={`button${size}`} onClick={() => setIsAsking(true)}>
        Withdraw<span className="visually-hidden"> {course.title}</span>
      </button>
      {isAsking && (
        <Dialog title="Take it off sale?" onClose={() => setIsAsking(false)}>
          <p>Nobody can buy “{course.title}” any more. Whoever is on the course keeps it.</p>
          <Problems problems={withdraw.problems} />
          <div className="actions">
            <button type="button" className="button" onClick={() => setIsAsking(false)}>
              Keep selling
            </button>
            <button type="button" className="button danger" aria-disabled={withdraw.busy} onClick={take}>
              Withdraw
            </button>
          </div>
        </Dialog>
      )}
    </div>
  );
}
