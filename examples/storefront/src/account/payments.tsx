import { useState } from 'react';
import { useQuery } from 'urql';
import { Link } from 'wouter';
import { MyPaymentsDocument } from '../gql/graphql';
import { Failed, Loading, More } from '../parts/states';
import { euros, onDay, PAYMENTS } from '../parts/words';

const PAGE = 5;

export function Payments() {
  const [after, setAfter] = useState<string | null>(null);
  const [{ data, fetching, error }] = useQuery({
    query: MyPaymentsDocument,
    variables: { first: PAGE, after },
    requestPolicy: 'cache-and-network',
  });
  const payments = data?.me?.payments;
  if (!payments) return error ? <Failed error={error} /> : <Loading what="your payments" />;
  if (payments.nodes.length === 0) return <p className="muted">You have not bought anything yet.</p>;
  return (
    <>
      <ul className="lines">
        {payments.nodes.map(({ id, amount, status, createdAt, course, refundReason }) => (
          <li key={id} className="line">
            <span className="line-main">
              {course ? (
                <Link href={`/courses/${course.id}`}>{course.title}</Link>
              ) : (
                'A course that was deleted'
              )}
              <span className="muted small">
                {onDay(createdAt)}
                {refundReason ? `, refunded: ${refundReason}` : ''}
              </span>
            </span>
            <span className={`tag ${status.toLowerCase()}`}>{PAYMENTS[status]}</span>
            <strong className="amount">{euros(amount)}</strong>
          </li>
        ))}
      </ul>
      {payments.pageInfo.hasNextPage && (
        <More loading={fetching} onClick={() => setAfter(payments.pageInfo.endCursor)} />
      )}
    </>
  );
}
