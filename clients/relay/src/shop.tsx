import './page.ts';
import { createRoot } from 'react-dom/client';
import {
  commitMutation,
  type Environment,
  fetchQuery,
  type GraphQLTaggedNode,
  graphql,
  type LogEvent,
  type LogFunction,
  type MutationParameters,
  type OperationType,
  requestSubscription,
} from 'relay-runtime';
import { check, runScenario, type Tab, versionOf } from '../../shared/scenario.ts';
import type { shopBadRequestQuery } from './__generated__/shopBadRequestQuery.graphql';
import type { shopLatestQuery } from './__generated__/shopLatestQuery.graphql';
import type { shopMeQuery } from './__generated__/shopMeQuery.graphql';
import type { shopNewsSubscription } from './__generated__/shopNewsSubscription.graphql';
import type { shopPurchaseMutation } from './__generated__/shopPurchaseMutation.graphql';
import type { shopSignInMutation } from './__generated__/shopSignInMutation.graphql';
import type { shopSignUpMutation } from './__generated__/shopSignUpMutation.graphql';
import type { shopStudentHomeQuery } from './__generated__/shopStudentHomeQuery.graphql';
import { Catalogue, type Shown } from './catalogue.tsx';
import { createEnvironment, GraphQLErrors, type Tokens } from './environment.ts';
import { checkRefetching, showTeacher } from './refetching.tsx';

function openTab(log?: LogFunction): Tab & { environment: Environment } {
  const tokens: Tokens = { session: null };
  const { environment, close } = createEnvironment(tokens, log);
  const root = createRoot(document.createElement('div'));
  let shown: Shown | undefined;
  let isMounted = false;

  async function mutate<Mutation extends MutationParameters>(
    mutation: GraphQLTaggedNode,
    variables: Mutation['variables'],
  ): Promise<Mutation['response']> {
    return new Promise((resolve, reject) => {
      commitMutation<Mutation>(environment, { mutation, variables, onCompleted: resolve, onError: reject });
    });
  }
  async function query<Query extends OperationType>(
    document: GraphQLTaggedNode,
    variables: Query['variables'],
  ): Promise<Query['response'] | undefined> {
    return fetchQuery<Query>(environment, document, variables, { fetchPolicy: 'network-only' }).toPromise();
  }
  /** Waits until the component shows so many courses. */
  async function courses(count: number): Promise<Shown> {
    while (!shown || shown.courses.length < count) await new Promise((resolve) => setTimeout(resolve, 20));
    return shown;
  }

  return {
    environment,
    session: () => tokens.session,
    setSession: (session) => {
      tokens.session = session;
    },
    async courses(after) {
      if (!isMounted)
        root.render(
          <Catalogue
            environment={environment}
            onShow={(next) => {
              shown = next;
            }}
          />,
        );
      isMounted = true;
      const first = await courses(10);
      if (after === null)
        return { nodes: first.courses, endCursor: 'the next page', hasNextPage: first.hasNext };
      first.loadNext(10);
      const second = await courses(20);
      return { nodes: second.courses.slice(10), endCursor: 'the next page', hasNextPage: second.hasNext };
    },
    async signIn(email, password) {
      const { login } = await mutate<shopSignInMutation>(
        graphql`
          mutation shopSignInMutation($input: LoginInput!) {
            login(input: $input) {
              session {
                accessToken
                refreshToken
              }
              userErrors {
                code
              }
            }
          }
        `,
        { input: { email, password } },
      );
      tokens.session = login?.session ?? tokens.session;
      return { session: login?.session ?? null, refusal: login?.userErrors[0]?.code };
    },
    async signUp(name, email, password) {
      const { register } = await mutate<shopSignUpMutation>(
        graphql`
          mutation shopSignUpMutation($input: RegisterInput!) {
            register(input: $input) {
              session {
                accessToken
                refreshToken
              }
              userErrors {
                code
              }
            }
          }
        `,
        { input: { name, email, password } },
      );
      if (!register?.session) throw new Error(JSON.stringify(register?.userErrors));
      return register.session;
    },
    async myName() {
      const answer = await query<shopMeQuery>(
        graphql`
          query shopMeQuery {
            me {
              id
              name
            }
          }
        `,
        {},
      );
      return answer?.me?.name;
    },
    async buy(courseId, expectedAmount, idempotencyKey) {
      const { purchaseCourse } = await mutate<shopPurchaseMutation>(
        graphql`
          mutation shopPurchaseMutation($input: PurchaseCourseInput!) {
            purchaseCourse(input: $input) {
              payment {
                id
                status
              }
              userErrors {
                code
              }
            }
          }
        `,
        { input: { courseId, expectedAmount, idempotencyKey } },
      );
      if (!purchaseCourse?.payment) throw new Error(JSON.stringify(purchaseCourse?.userErrors));
      return purchaseCourse.payment;
    },
    studentHome: () =>
      query<shopStudentHomeQuery>(
        graphql`
          query shopStudentHomeQuery {
            me {
              id
              name
              unreadNotificationCount
              enrollments(first: 20) {
                totalCount
                nodes {
                  id
                  status
                  enrolledAt
                  course {
                    id
                    title
                    level
                    durationMinutes
                    teacher {
                      id
                      name
                    }
                  }
                  payment {
                    id
                    amount
                    status
                  }
                }
              }
              notifications(first: 10) {
                nodes {
                  id
                  type
                  title
                  isRead
                  createdAt
                }
              }
            }
          }
        `,
        {},
      ),
    async badRequest() {
      try {
        await query<shopBadRequestQuery>(
          graphql`
            query shopBadRequestQuery {
              courses(first: 1000) {
                nodes {
                  id
                }
              }
            }
          `,
          {},
        );
        return undefined;
      } catch (error) {
        return error instanceof GraphQLErrors ? error.code : String(error);
      }
    },
    async latestNews() {
      const answer = await query<shopLatestQuery>(
        graphql`
          query shopLatestQuery {
            me {
              id
              notifications(first: 20) {
                nodes {
                  id
                  title
                  body
                }
              }
            }
          }
        `,
        {},
      );
      return [...(answer?.me?.notifications?.nodes ?? [])];
    },
    follow(after, onNews) {
      const { dispose } = requestSubscription<shopNewsSubscription>(environment, {
        subscription: graphql`
          subscription shopNewsSubscription($after: ID) {
            notificationAdded(after: $after) {
              id
              title
              body
            }
          }
        `,
        variables: { after },
        onNext: (event) => event && onNews(event.notificationAdded),
      });
      return { stop: dispose };
    },
    close() {
      root.unmount();
      close();
    },
  };
}

/** Pagination containers on objects, by `node`. Only a course's teacher may list its enrollments. */
async function refetching(): Promise<void> {
  const events: LogEvent[] = [];
  const tab = openTab((event) => events.push(event));
  const { session } = await tab.signIn('teacher1@lyceum.example', 'lyceum-sample');
  check(session, 'the teacher of the sample data signs in');
  checkRefetching(await showTeacher(tab.environment), events);
  tab.close();
}

void runScenario({
  name: 'Relay',
  version: versionOf('relay-runtime'),
  openTab: () => openTab(),
  ownSteps: { refetching },
});
