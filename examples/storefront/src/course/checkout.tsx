import { useState } from 'react';
import type { Problem } from '../client/problems';
import { useAction } from '../client/use-action';
import { PurchaseCourseDocument } from '../gql/graphql';
import { Dialog } from '../parts/dialog';
import { Problems } from '../parts/form';
import { say } from '../parts/toasts';
import { price } from '../parts/words';
import type { Course } from './course';
import { purchaseDecided, purchaseKey } from './purchase-key';

interface Props {
  course: Course;
  viewerId: string;
  onPaid: (paymentId: string) => void;
  onClose: () => void;
}

const DECLINED: Problem = {
  code: 'DECLINED',
  text: 'Your bank has declined the payment. Nothing was charged. You can try again, or ask your bank.',
};

/** The last question before money moves: what, and for how much. */
export function Checkout({ course, viewerId, onPaid, onClose }: Props) {
  const purchase = useAction(PurchaseCourseDocument);
  const [isDeclined, setIsDeclined] = useState(false);

  async function pay() {
    setIsDeclined(false);
    const { data, problems } = await purchase.run({
      input: {
        courseId: course.id,
        idempotencyKey: purchaseKey(viewerId, course.id),
        // What the button says is what is paid.
        ...(course.price ? { expectedAmount: course.price } : {}),
      },
    });
    const payment = data?.purchaseCourse?.payment;
    // A refusal decides the purchase; an error that hides the outcome keeps its key for the next attempt.
    const isRefused = problems.some(({ code }) => code in REFUSALS);
    if (isRefused || payment?.status === 'COMPLETED' || payment?.status === 'FAILED')
      purchaseDecided(viewerId, course.id);
    if (payment?.status === 'FAILED') setIsDeclined(true);
    if (payment?.status === 'PENDING') onClose();
    if (payment?.status === 'COMPLETED') {
      say('Thank you! The course is yours.');
      onPaid(payment.id);
      onClose();
    }
  }

  return (
    <Dialog title="Buy this course" onClose={onClose}>
      <p className="receipt">
        <span>{course.title}</span>
        <strong>{price(course)}</strong>
      </p>
      <p className="muted small">You pay once, and the course is yours. There is no subscription.</p>
      <Problems problems={isDeclined ? [DECLINED] : purchase.problems} />
      <div className="actions">
        <button type="button" className="button" onClick={onClose}>
          Not now
        </button>
        <button type="button" className="button primary" aria-disabled={purchase.busy} onClick={pay}>
          {purchase.busy ? 'Paying…' : isDeclined ? 'Try again' : `Pay ${price(course)}`}
        </button>
      </div>
    </Dialog>
  );
}

const REFUSALS = { PRICE_CHANGED: 1, IDEMPOTENCY_KEY_REUSED: 1, COURSE_WITHDRAWN: 1, COURSE_IS_FREE: 1 };
