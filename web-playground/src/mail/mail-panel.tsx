import { useCallback, useEffect, useState } from 'react';
import { Panel } from '../panel/panel';
import { loadMails, type Mail } from './mails';
import './mail-panel.css';

/** The mails that a development server has stored, the newest first. */
export default function MailPanel() {
  const [mails, setMails] = useState<Mail[] | null>();
  const load = useCallback(() => void loadMails().then(setMails), []);
  useEffect(load, [load]);

  return (
    <Panel
      title="Mail"
      lead="What this server would send to users. The tokens in its links work."
      actions={
        <button type="button" className="button" onClick={load}>
          Reload
        </button>
      }
    >
      {mails === null ? (
        <p>Mails are shown on development servers that send none.</p>
      ) : (
        <div className="mail">
          {mails?.length === 0 && <p>No mails yet: register, or request a new password.</p>}
          <ul className="mail-list">
            {mails?.map((mail) => (
              <li key={mail.id}>
                <Details mail={mail} />
              </li>
            ))}
          </ul>
        </div>
      )}
    </Panel>
  );
}

/** As text: a mail is no markup of this page. */
function Details({ mail }: { mail: Mail }) {
  return (
    <details>
      <summary>
        {mail.subject}
        <span className="mail-recipient">
          to {mail.recipient},{' '}
          <time dateTime={mail.createdAt}>{new Date(mail.createdAt).toLocaleString()}</time>
        </span>
      </summary>
      <p className="mail-body">{mail.body}</p>
    </details>
  );
}
