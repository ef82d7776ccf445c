import { create } from 'zustand';

/** Whether the sign-in dialog is open. */
export const useSignInRequest = create<{ isOpen: boolean }>(() => ({ isOpen: false }));

export function openSignIn(): void {
  useSignInRequest.setState({ isOpen: true });
}

export function closeSignIn(): void {
  useSignInRequest.setState({ isOpen: false });
}
