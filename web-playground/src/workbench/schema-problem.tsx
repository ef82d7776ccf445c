import { useGraphiQL, useGraphiQLActions } from '@graphiql/react';

/** Said when the schema could not be loaded: without it there is no completion, and no documentation. */
export function SchemaProblem() {
  const { fetchError, isIntrospecting } = useGraphiQL(({ fetchError, isIntrospecting }) => ({
    fetchError,
    isIntrospecting,
  }));
  const { introspect } = useGraphiQLActions();
  if (!fetchError) return null;
  return (
    <div className="response-problem" role="alert">
      <p>
        The schema could not be loaded, so there is neither completion nor documentation. Is the server
        running?
      </p>
      <button
        type="button"
        className="button button-main"
        disabled={isIntrospecting}
        onClick={() => void introspect()}
      >
        Load it again
      </button>
    </div>
  );
}
