import { SessionControls } from '../session/session-controls';
import './header.css';

export function Header() {
  return (
    <header className="header">
      <h1 className="header-title">Lyceum</h1>
      <p className="header-endpoint">
        <code>POST /graphql</code>
      </p>
      <SessionControls />
    </header>
  );
}
