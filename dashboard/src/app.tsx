/** The gate (a session), then the frame with one page in it. */
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect } from 'react';
import { Redirect, Route, Switch } from 'wouter';
import { openSession, whenSignedOut } from './data/api.js';
import { live } from './data/live.js';
import { Activity } from './pages/activity.js';
import { Conflicts } from './pages/conflicts.js';
import { Overview } from './pages/overview.js';
import { Parked } from './pages/parked.js';
import { Plan } from './pages/plan.js';
import { Record } from './pages/record.js';
import { Search } from './pages/search.js';
import { SignIn } from './pages/sign-in.js';
import { Subscriber } from './pages/subscriber.js';
import { Shell } from './shell.js';
import { Failed } from './ui/parts.js';
import { Toasts } from './ui/toasts.js';

export function App() {
  const queries = useQueryClient();
  const session = useQuery({ queryKey: ['session'], queryFn: openSession, staleTime: Infinity });
  useEffect(() => whenSignedOut(() => void queries.invalidateQueries({ queryKey: ['session'] })), [queries]);
  const mayRead = session.data?.mayRead === true;
  useEffect(() => {
    if (!mayRead) return;
    live.open();
    return () => live.close();
  }, [mayRead]);
  if (session.isError)
    return (
      <main className="gate">
        <Failed error={session.error} onRetry={() => void session.refetch()} />
      </main>
    );
  if (session.data === undefined) return null;
  if (!mayRead) return <SignIn canSignIn={session.data.canSignIn} />;
  return (
    <>
      <Shell onLoopback={session.data.onLoopback}>
        <Switch>
          <Route path="/" component={Overview} />
          <Route path="/s/:catalog/:as/plan" component={Plan} />
          <Route path="/s/:catalog/:as" component={Subscriber} />
          <Route path="/r/:link" component={Record} />
          <Route path="/parked" component={Parked} />
          <Route path="/conflicts" component={Conflicts} />
          <Route path="/activity" component={Activity} />
          <Route path="/search" component={Search} />
          <Route>
            <Redirect to="/" replace />
          </Route>
        </Switch>
      </Shell>
      <Toasts />
    </>
  );
}
