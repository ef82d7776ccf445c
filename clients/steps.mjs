/** What each client has to do: one that leaves a step out fails. */
const STEPS = [
  'paging',
  'errors',
  'sign in',
  'buying',
  'live updates',
  'reconnection',
  'two tabs',
  'expired token',
  'StudentHome',
];
/** What only some have to do, too. */
const OWN_STEPS = {
  apollo: ['persisted queries', 'batches'],
  urql: ['GET', 'persisted queries'],
  relay: ['refetching'],
  'python-gql': ['batches', 'websockets transport'],
};

/** The steps that the client of a folder has to do, and has not done. */
export function missingSteps(folder, result) {
  const steps = [...STEPS, ...(OWN_STEPS[folder] ?? [])];
  return steps.filter((step) => result?.steps?.[step] !== 'yes');
}
