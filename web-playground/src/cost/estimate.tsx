import { useEffect, useState } from 'react';
import { createPortal } from 'react-dom';
import { useCurrentPlan, useKeepPlan } from '../plan/current';
import { useMayLookInside } from '../session/insight';
import { type Cost, milliseconds, readCost } from './cost';
import './estimate.css';

/** What the operation in the editor would cost, below the editor. GraphiQL has no place for it of its own. */
export function Estimate() {
  const mayLook = useMayLookInside();
  const [editors, setEditors] = useState<Element | null>(null);
  useEffect(() => setEditors(document.querySelector('.graphiql-editors')), []);
  useKeepPlan();

  return mayLook && editors ? createPortal(<Line />, editors) : null;
}

function Line() {
  const { planned } = useCurrentPlan();
  const error = planned?.errors[0];
  const cost = planned?.cost ?? readCost(error?.extensions?.cost);
  const isRejected = error?.extensions?.code === 'RATE_LIMITED' || isAboveLimit(cost);

  return (
    <p
      className={isRejected ? 'estimate estimate-rejected' : 'estimate'}
      role="status"
      aria-label="Estimated cost"
    >
      {isRejected && <Warning />}
      {cost
        ? ofCost(cost)
        : error && (isRejected ? error.message : `No estimate: ${firstLine(error.message)}`)}
    </p>
  );
}

function ofCost(cost: Cost): string {
  const { estimated, limit } = cost;
  if (limit === null) return `Estimated cost ${milliseconds(estimated)}, no limit`;
  const of = `Estimated cost ${milliseconds(estimated)} of ${milliseconds(limit)}`;
  return isAboveLimit(cost)
    ? `${of}: above the limit, so it would be rejected. Request shorter pages, or fewer nested fields.`
    : of;
}

function isAboveLimit(cost: Cost | undefined): boolean {
  return cost !== undefined && cost.limit !== null && cost.estimated > cost.limit;
}

/** The parser says in one line what is wrong, and in the next ones where. */
function firstLine(message: string): string {
  return message.split('\n', 1).join();
}

function Warning() {
  return (
    <svg className="estimate-icon" viewBox="0 0 16 16" fill="none" stroke="currentColor" aria-hidden="true">
      <path d="M8 1.5 15 14H1zM8 6v4M8 11.5v1" strokeWidth="1.4" strokeLinejoin="round" />
    </svg>
  );
}
