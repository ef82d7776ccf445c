import { create } from 'zustand';

export interface Credentials {
  email: string;
  password: string;
}

interface SignInRequest {
  isOpen: boolean;
  /** Of an account that needs a code of its second factor, too. */
  needsCode: Credentials | null;
}

/** Whether the sign-in dialog is open, and what it asks for. */
export const useSignInRequest = create<SignInRequest>(() => ({ isOpen: false, needsCode: null }));

export function openSignIn(): void {
  useSignInRequest.setState({ isOpen: true, needsCode: null });
}

/** Opens the dialog, which asks for a code of the second factor. */
export function openSecondFactor(credentials: Credentials): void {
  useSignInRequest.setState({ isOpen: true, needsCode: credentials });
}

export function closeSignIn(): void {
  useSignInRequest.setState({ isOpen: false, needsCode: null });
}
