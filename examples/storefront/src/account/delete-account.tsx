import { useState } from 'react';
import { useLocation } from 'wouter';
import { signedOut } from '../client/session';
import { useAction } from '../client/use-action';
import { DeleteMyAccountDocument } from '../gql/graphql';
import { Dialog } from '../parts/dialog';
import { Field, Form } from '../parts/form';
import { say } from '../parts/toasts';

export function DeleteAccount() {
  const remove = useAction(DeleteMyAccountDocument);
  const [, navigate] = useLocation();
  const [isAsking, setIsAsking] = useState(false);
  async function submit({ password = '' }: Record<string, string>) {
    const { data } = await remove.run({ input: { password } });
    if (!data) return;
    say('Your account is deleted. All the best!');
    navigate('/');
    signedOut();
  }
  return (
    <div className="stack">
      <p className="muted">Deleting the account erases your courses, progress and notifications, for good.</p>
      <div className="actions start">
        <button type="button" className="button danger quiet" onClick={() => setIsAsking(true)}>
          Delete my account…
        </button>
      </div>
      {isAsking && (
        <Dialog title="Delete your account?" onClose={() => setIsAsking(false)}>
          <p>Your courses, progress and notifications are erased. It cannot be undone.</p>
          <Form onSubmit={submit} problems={remove.problems} label="Delete my account">
            <Field
              label="Your password"
              name="password"
              type="password"
              autoComplete="current-password"
              required
              problems={remove.problems}
            />
            <div className="actions">
              <button type="button" className="button" onClick={() => setIsAsking(false)}>
                Keep it
              </button>
              <button type="submit" className="button danger" aria-disabled={remove.busy}>
                Delete it
              </button>
            </div>
          </Form>
        </Dialog>
      )}
    </div>
  );
}
