import { useEffect, useState } from 'react';
import { useClient } from 'urql';
import { Link } from 'wouter';
import { useAction } from '../client/use-action';
import { EnrollDocument, PaymentStateDocument } from '../gql/graphql';
import { Problems } from '../parts/form';
import { Icon } from '../parts/icons';
import { say } from '../parts/toasts';
import { PROGRESS, price } from '../parts/words';
import { useViewer } from '../shell/viewer';
import { Checkout } from './checkout';
import type { Course } from './course';
import { purchaseDecided } from './purchase-key';

const POLL_MS = 2_000;

/** The box with the price and the one button that fits who is looking. */
export function Offer({ course }: { course: Course }) {
  const viewer = useViewer();
  const isOwn = viewer?.id !== undefined && viewer.id === course.teacher?.id;
  return (
    <aside className="offer" aria-label="Price">
      <p className="offer-price">{price(course)}</p>
      {viewer === undefined ? null : isOwn ? (
        <>
          <p className="muted">This is your own course.</p>
          <Link className="button primary block" href={`/teaching/${course.id}`}>
            Edit it
          </Link>
        </>
      ) : course.viewerEnrollment ? (
        <Enrolled status={PROGRESS[course.viewerEnrollment.status]} />
      ) : (
        <Entrance course={course} viewerId={viewer?.id ?? null} />
      )}
      <ul className="promises">
        <li>
          <Icon name="check" size={18} />
          Yours for good, at your own pace
        </li>
        <li>
          <Icon name="check" size={18} />
          Leave and come back at any time
        </li>
      </ul>
    </aside>
  );
}

function Enrolled({ status }: { status: string }) {
  return (
    <>
      <p className="enrolled">
        <Icon name="check" /> You are on this course
      </p>
      <p className="muted">{status}</p>
      <Link className="button primary block" href="/my-courses">
        To my courses
      </Link>
    </>
  );
}

function Entrance({ course, viewerId }: { course: Course; viewerId: string | null }) {
  const enroll = useAction(EnrollDocument);
  const [isBuying, setIsBuying] = useState(false);
  const payment = course.viewerPayment;

  async function join(paymentId?: string) {
    const { data } = await enroll.run({
      input: { courseId: course.id, ...(paymentId ? { paymentId } : {}) },
    });
    if (data) say('You are on the course. Enjoy it!');
  }

  if (course.state !== 'PUBLISHED' && payment?.status !== 'COMPLETED')
    return <p className="muted">This course is not on sale.</p>;
  if (viewerId === null)
    return (
      <Link className="button primary block" href={`/sign-in?next=/courses/${course.id}`}>
        {course.isFree ? 'Sign in to join' : 'Sign in to buy'}
      </Link>
    );
  if (payment?.status === 'PENDING')
    return <Pending id={payment.id} courseId={course.id} viewerId={viewerId} />;
  return (
    <>
      <Problems problems={enroll.problems} />
      {payment?.status === 'COMPLETED' ? (
        <>
          <p className="muted">You have paid for this course.</p>
          <button
            type="button"
            className="button primary block"
            aria-disabled={enroll.busy}
            onClick={() => join(payment.id)}
          >
            Come back to it
          </button>
        </>
      ) : course.isFree ? (
        <button
          type="button"
          className="button primary block"
          aria-disabled={enroll.busy}
          onClick={() => join()}
        >
          Join for free
        </button>
      ) : (
        <button type="button" className="button primary block" onClick={() => setIsBuying(true)}>
          Buy this course
        </button>
      )}
      {isBuying && (
        <Checkout
          course={course}
          viewerId={viewerId}
          onPaid={(paymentId) => join(paymentId)}
          onClose={() => setIsBuying(false)}
        />
      )}
    </>
  );
}

/** The bank has not decided yet: asks until it has. */
function Pending({ id, courseId, viewerId }: { id: string; courseId: string; viewerId: string }) {
  const client = useClient();
  useEffect(() => {
    const timer = setInterval(async () => {
      const { data } = await client
        .query(PaymentStateDocument, { id }, { requestPolicy: 'network-only' })
        .toPromise();
      const status = data?.payment?.status;
      if (status !== 'COMPLETED' && status !== 'FAILED') return;
      purchaseDecided(viewerId, courseId);
      say(status === 'COMPLETED' ? 'Your payment has arrived.' : 'The bank has declined your payment.');
      clearInterval(timer);
    }, POLL_MS);
    return () => clearInterval(timer);
  }, [client, id, courseId, viewerId]);
  return (
    <p className="pending" role="status">
      <span className="spinner" aria-hidden="true" />
      Your bank is confirming the payment. You can leave this page; we will tell you.
    </p>
  );
}
