/** A mail that the server has stored and not sent. */
export interface Mail {
  id: string;
  recipient: string;
  subject: string;
  body: string;
  createdAt: string;
}

/** Loads the newest mails; null where the server shows none: only development servers without an SMTP server do. */
export async function loadMails(): Promise<Mail[] | null> {
  const response = await fetch('/playground/mail.json').catch(() => null);
  if (!response?.ok) return null;
  return readMails(await response.json().catch(() => null));
}

export function readMails(mails: unknown): Mail[] | null {
  return Array.isArray(mails) ? mails.filter(isMail) : null;
}

function isMail(value: unknown): value is Mail {
  const names = ['id', 'recipient', 'subject', 'body', 'createdAt'];
  return (
    typeof value === 'object' &&
    value !== null &&
    names.every((name) => typeof (value as Record<string, unknown>)[name] === 'string')
  );
}
