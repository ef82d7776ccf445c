import { useActiveRun } from '../execution/runs';
import { useSettings } from '../network/playground-settings';
import { closeStart, takeStep, useStart } from './progress';
import { STEPS, type Step } from './steps';
import { useHasStorefront } from './storefront';
import './guided-start.css';

/** What this graph is, and three things to do first. While a response is shown, only the next step. */
export function GuidedStart() {
  const { isOpen, done } = useStart();
  const { development } = useSettings();
  const hasResponse = useActiveRun() !== undefined;
  // The steps sign in as a sample user, and buy: not where money is real.
  if (!isOpen || !development) return null;

  const last = STEPS[done - 1];
  return (
    <section className="start" aria-label="Guided start">
      {hasResponse ? last && <Look step={last} /> : <Introduction />}
      {hasResponse ? <Next done={done} /> : <AllSteps done={done} />}
    </section>
  );
}

function Introduction() {
  return (
    <>
      <h2 className="start-title">One graph for an online-course platform</h2>
      <p className="start-text">
        Courses, students, payments and notifications live in five services, each with its own database. This
        graph joins them: you ask for what you need, and get one response. Three things to see first:
      </p>
    </>
  );
}

function AllSteps({ done }: { done: number }) {
  return (
    <>
      <ol className="start-steps">
        {STEPS.map((step, index) => (
          <li key={step.title} className={index < done ? 'start-done' : undefined}>
            <StepButton step={step} index={index} isNext={index === done} />
            <p className="start-text">{index < done ? step.look : step.what}</p>
          </li>
        ))}
      </ol>
      <Storefront />
      <Problem />
      <CloseButton label="I know my way" />
    </>
  );
}

function Look({ step }: { step: Step }) {
  return (
    <p className="start-text">
      <strong>Look:</strong> {step.look}
    </p>
  );
}

function Next({ done }: { done: number }) {
  const step = STEPS[done];
  return (
    <>
      {!step && <Storefront />}
      <Problem />
      <p className="button-row">
        {step && <StepButton step={step} index={done} isNext />}
        <CloseButton label={step ? 'Close the guide' : 'Finish'} />
      </p>
    </>
  );
}

/** Where users meet this graph; not every server has one. */
function Storefront() {
  const hasStorefront = useHasStorefront();
  if (!hasStorefront) return null;
  return (
    <p className="start-text">
      What users see of it:{' '}
      <a href="/store" target="_blank" rel="noreferrer">
        the storefront
      </a>
      , a website whose every page is an operation of this graph.
    </p>
  );
}

function StepButton({ step, index, isNext }: { step: Step; index: number; isNext: boolean }) {
  const { isBusy } = useStart();
  return (
    <button
      type="button"
      className={isNext ? 'button button-main' : 'button'}
      disabled={isBusy}
      onClick={() => void takeStep(index, step.action)}
    >
      {index + 1}. {step.title}
    </button>
  );
}

function Problem() {
  const { problem } = useStart();
  return (
    <p className="start-problem" role="status">
      {problem}
    </p>
  );
}

function CloseButton({ label }: { label: string }) {
  return (
    <button type="button" className="button" onClick={closeStart}>
      {label}
    </button>
  );
}
