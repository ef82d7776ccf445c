import { HISTORY_PLUGIN } from 'graphiql';
import './history.css';

const List = HISTORY_PLUGIN.content;

// GraphiQL records history only if this very object is among its plugins.
HISTORY_PLUGIN.content = () => (
  <>
    <List />
    <p className="history-note">
      Executed operations, stored in this browser only, without tokens, passwords and headers.
    </p>
  </>
);

export { HISTORY_PLUGIN };
