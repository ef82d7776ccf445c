import { chooseEnvironment, useEnvironments } from './environments';

/** The active environment; nothing before one was made. */
export function EnvironmentSelect() {
  const { environments, active } = useEnvironments();
  if (environments.length === 0) return null;
  return (
    <select
      className="environment-select"
      aria-label="Environment"
      value={active}
      onChange={(event) => chooseEnvironment(event.target.value)}
    >
      <option value="">No environment</option>
      {environments.map(({ name }) => (
        <option key={name} value={name}>
          {name}
        </option>
      ))}
    </select>
  );
}
