import { type FormEvent, type InputHTMLAttributes, type ReactNode, useEffect, useId, useRef } from 'react';
import type { Problem } from '../client/problems';

interface FormProps {
  onSubmit: (values: Record<string, string>, form: HTMLFormElement) => void;
  problems: Problem[];
  children: ReactNode;
  label?: string;
}

/** A form whose problems are said above it, or at their fields; the first one gets the focus. */
export function Form({ onSubmit, problems, children, label }: FormProps) {
  const form = useRef<HTMLFormElement>(null);
  useEffect(() => {
    if (problems.length === 0) return;
    const wrong = form.current?.querySelector<HTMLElement>('[aria-invalid="true"], .alert');
    wrong?.focus();
  }, [problems]);

  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const values = [...new FormData(event.currentTarget)].map(([name, value]) => [name, String(value)]);
    onSubmit(Object.fromEntries(values), event.currentTarget);
  }
  return (
    <form ref={form} className="form" onSubmit={submit} aria-label={label}>
      <Problems problems={problems.filter(({ field }) => field === undefined)} />
      {children}
    </form>
  );
}

export function Problems({ problems }: { problems: Problem[] }) {
  if (problems.length === 0) return null;
  return (
    <div className="alert" role="alert" tabIndex={-1}>
      {problems.map(({ code, text }) => (
        <p key={code + text} data-code={code}>
          {text}
        </p>
      ))}
    </div>
  );
}

interface FieldProps extends InputHTMLAttributes<HTMLInputElement> {
  label: string;
  name: string;
  problems: Problem[];
  hint?: string;
}

/** An input with its label, hint and problem. */
export function Field({ label, name, problems, hint, ...input }: FieldProps) {
  const ids = useFieldIds(name, problems, hint);
  return (
    <div className="field">
      <label htmlFor={ids.input}>{label}</label>
      <input id={ids.input} name={name} {...ids.aria} {...input} />
      <FieldNotes ids={ids} hint={hint} />
    </div>
  );
}

interface AreaProps {
  label: string;
  name: string;
  problems: Problem[];
  hint?: string;
  defaultValue?: string;
  rows?: number;
  maxLength?: number;
}

export function Area({ label, name, problems, hint, ...area }: AreaProps) {
  const ids = useFieldIds(name, problems, hint);
  return (
    <div className="field">
      <label htmlFor={ids.input}>{label}</label>
      <textarea id={ids.input} name={name} {...ids.aria} {...area} />
      <FieldNotes ids={ids} hint={hint} />
    </div>
  );
}

function useFieldIds(name: string, problems: Problem[], hint: string | undefined) {
  const id = useId();
  const problem = problems.find(({ field }) => field === name);
  const described = [problem && `${id}-problem`, hint && `${id}-hint`].filter(Boolean).join(' ');
  return {
    input: id,
    hint: `${id}-hint`,
    problem: `${id}-problem`,
    text: problem?.text,
    aria: {
      ...(problem ? { 'aria-invalid': true as const } : {}),
      ...(described ? { 'aria-describedby': described } : {}),
    },
  };
}

function FieldNotes({ ids, hint }: { ids: ReturnType<typeof useFieldIds>; hint: string | undefined }) {
  return (
    <>
      {hint && (
        <p id={ids.hint} className="hint">
          {hint}
        </p>
      )}
      {ids.text && (
        <p id={ids.problem} className="field-problem">
          {ids.text}
        </p>
      )}
    </>
  );
}
