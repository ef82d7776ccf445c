import { lazy, Suspense, useMemo } from 'react';
import { Provider } from 'urql';
import { Link, Redirect, Route, Router, Switch, useLocation } from 'wouter';
import { Catalogue } from './catalogue/catalogue';
import { createClient } from './client/client';
import { useUserId } from './client/session';
import { CoursePage } from './course/course-page';
import { Loading, Missing } from './parts/states';
import { Shell } from './shell/shell';

// What one visitor in ten opens loads when it is opened.
const TeacherPage = lazy(() => import('./catalogue/teacher-page'));
const MyCourses = lazy(() => import('./my-courses/my-courses'));
const Notifications = lazy(() => import('./notifications/notifications'));
const Account = lazy(() => import('./account/account'));
const Desk = lazy(() => import('./teaching/desk'));
const CourseForm = lazy(() => import('./teaching/course-form'));
const Students = lazy(() => import('./teaching/students'));
const SignIn = lazy(() => import('./session/sign-in'));
const SignUp = lazy(() => import('./session/sign-up'));
const ForgottenPassword = lazy(() => import('./session/forgotten-password'));
const MailLink = lazy(() => import('./session/mail-link'));

export function App() {
  const userId = useUserId();
  const client = useMemo(() => createClient(userId), [userId]);
  return (
    <Provider value={client}>
      <Router base={import.meta.env.BASE_URL.replace(/\/$/, '')}>
        <Shell key={userId ?? 'nobody'}>
          <Suspense fallback={<Loading what="the page" />}>
            <Pages isSignedIn={userId !== null} />
          </Suspense>
        </Shell>
      </Router>
    </Provider>
  );
}

function Pages({ isSignedIn }: { isSignedIn: boolean }) {
  return (
    <Switch>
      <Route path="/">
        <Catalogue />
      </Route>
      <Route path="/courses/:id">{({ id }) => <CoursePage key={id} id={id} />}</Route>
      <Route path="/teachers/:id">{({ id }) => <TeacherPage key={id} id={id} />}</Route>
      <Route path="/sign-in">
        <SignIn />
      </Route>
      <Route path="/sign-up">
        <SignUp />
      </Route>
      <Route path="/forgotten-password">
        <ForgottenPassword />
      </Route>
      {/* What the links in mails lead to. */}
      {(['reset-password', 'verify-email', 'confirm-email-change'] as const).map((kind) => (
        <Route key={kind} path={`/${kind}`}>
          <MailLink kind={kind} />
        </Route>
      ))}
      {isSignedIn && (
        <Route path="/my-courses">
          <MyCourses />
        </Route>
      )}
      {isSignedIn && (
        <Route path="/notifications">
          <Notifications />
        </Route>
      )}
      {isSignedIn && (
        <Route path="/account">
          <Account />
        </Route>
      )}
      {isSignedIn && (
        <Route path="/teaching">
          <Desk />
        </Route>
      )}
      {isSignedIn && (
        <Route path="/teaching/new">
          <CourseForm />
        </Route>
      )}
      {isSignedIn && (
        <Route path="/teaching/:id/students">{({ id }) => <Students key={id} courseId={id} />}</Route>
      )}
      {isSignedIn && <Route path="/teaching/:id">{({ id }) => <CourseForm key={id} courseId={id} />}</Route>}
      <Route>
        <Elsewhere isSignedIn={isSignedIn} />
      </Route>
    </Switch>
  );
}

const MEMBERS_ONLY = /^\/(my-courses|notifications|account|teaching)(\/|$)/;

function Elsewhere({ isSignedIn }: { isSignedIn: boolean }) {
  const [path] = useLocation();
  if (!isSignedIn && MEMBERS_ONLY.test(path))
    return <Redirect to={`/sign-in?next=${encodeURIComponent(path)}`} replace />;
  return (
    <Missing title="There is no such page">
      <p>Perhaps the address has a slip in it.</p>
      <Link className="button primary" href="/">
        To the catalogue
      </Link>
    </Missing>
  );
}
