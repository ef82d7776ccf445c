import { create } from 'zustand';

/** How many people have left this page: signed out, or made room for somebody else. */
export const useDepartures = create(() => ({ count: 0 }));

/**
 * Renders the page once more when it has been rendered without somebody. React keeps what each component showed before
 * until it is rendered again, and with it the former tokens and responses.
 */
export function renderAfterDeparture(): void {
  setTimeout(() => useDepartures.setState(({ count }) => ({ count: count + 1 })));
}
