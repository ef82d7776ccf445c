import { type Cost, milliseconds, readCost } from '../cost/cost';
import { useCurrentPlan } from './current-plan';
import './cost-estimate.css';

/** The estimated cost of the operation, below the editor. */
export function CostEstimate() {
  const { result } = useCurrentPlan();
  const error = result?.errors[0];
  const cost = result?.cost ?? readCost(error?.extensions?.cost);
  const isRejected = error?.extensions?.code === 'RATE_LIMITED' || isAboveLimit(cost);

  return (
    <p
      className={isRejected ? 'estimate estimate-rejected' : 'estimate'}
      role="status"
      aria-label="Estimated cost"
    >
      {isRejected && <Warning />}
      {cost
        ? costText(cost)
        : error && (isRejected ? error.message : `No estimate: ${firstLine(error.message)}`)}
    </p>
  );
}

function costText(cost: Cost): string {
  const { estimated, limit } = cost;
  if (limit === null) return `Estimated cost ${milliseconds(estimated)}, no limit`;
  const of = `Estimated cost ${milliseconds(estimated)} of ${milliseconds(limit)}`;
  return isAboveLimit(cost)
    ? `${of}: above the limit, so the operation would be rejected. Request shorter pages, or fewer nested fields.`
    : of;
}

function isAboveLimit(cost: Cost | undefined): boolean {
  return cost !== undefined && cost.limit !== null && cost.estimated > cost.limit;
}

/** Parser messages have the error in the first line, and its position in the next ones. */
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
