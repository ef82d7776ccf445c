import { useState } from 'react';
import { findSampleUser, useSettings } from '../network/playground-settings';
import { showError } from '../notice/notice';
import { SecondFactorRequired, signIn } from './session';
import { openSecondFactor, openSignIn } from './sign-in-request';

/** Signs in as a sample user of one of these kinds; where there is none, opens the sign-in dialog. */
export function SignInAs({ viewers }: { viewers: string[] }) {
  const { samples } = useSettings();
  const [isBusy, setIsBusy] = useState(false);
  const sample = viewers.map((viewer) => findSampleUser(samples, viewer)).find((one) => one !== undefined);

  async function start() {
    if (!sample) return openSignIn();
    setIsBusy(true);
    await signIn(sample.email, sample.password).catch((error: unknown) => {
      if (error instanceof SecondFactorRequired) openSecondFactor(sample);
      else showError(error instanceof Error ? error.message : String(error));
    });
    setIsBusy(false);
  }

  return (
    <button type="button" className="button" disabled={isBusy} onClick={() => void start()}>
      {sample ? `Sign in as ${sample.label.toLowerCase()}` : 'Sign in…'}
    </button>
  );
}
