/** Elsewhere than on the hub's own machine: the API token opens the door. */
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { signIn } from '../data/api.js';

export function SignIn({ canSignIn }: { readonly canSignIn: boolean }) {
  const queries = useQueryClient();
  const [token, setToken] = useState('');
  const entering = useMutation({
    mutationFn: signIn,
    onSuccess: (session) => queries.setQueryData(['session'], session),
  });
  return (
    <main className="gate">
      <form
        className="card stack"
        onSubmit={(event) => {
          event.preventDefault();
          if (token !== '') entering.mutate(token);
        }}
      >
        <span className="brand">
          <img src="icon.svg" alt="" /> Syncflow
        </span>
        {canSignIn ? (
          <>
            <label className="named">
              Token
              <input
                className="field"
                type="password"
                autoComplete="current-password"
                value={token}
                onChange={(event) => setToken(event.target.value)}
              />
            </label>
            <p className="small muted">
              The one in <code>http.apiToken</code> of this hub’s configuration.
            </p>
            {entering.isError && (
              <p role="alert" className="badge bad">
                {entering.error.message}
              </p>
            )}
            <button type="submit" className="button primary" disabled={entering.isPending || token === ''}>
              Sign in
            </button>
          </>
        ) : (
          <p>
            This dashboard is open only on the machine itself. To reach it from elsewhere, set{' '}
            <code>http.apiToken</code> in the configuration and sign in with it.
          </p>
        )}
      </form>
    </main>
  );
}
