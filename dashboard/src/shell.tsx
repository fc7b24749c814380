/** Navigation, search, the state of the connection, and the page. */
import { Activity, Bookmark, GitCompareArrows, Moon, OctagonPause, Search, Sun, Workflow } from 'lucide-react';
import { useEffect, useRef, useState, type ReactNode } from 'react';
import { Link, useLocation } from 'wouter';
import { useLive } from './data/live.js';
import { chooseTheme, useShownTheme } from './data/theme.js';
import { want } from './data/wanted.js';
import { Dot } from './ui/parts.js';
import { toneOf } from './data/health.js';

const pages = [
  { path: '/', name: 'Overview', icon: Workflow },
  { path: '/parked', name: 'Parked', icon: OctagonPause },
  { path: '/conflicts', name: 'Conflicts', icon: GitCompareArrows },
  { path: '/activity', name: 'Activity', icon: Activity },
] as const;

export function Shell({ children, onLoopback }: { readonly children: ReactNode; readonly onLoopback: boolean }) {
  const [location] = useLocation();
  const content = useRef<HTMLElement>(null);
  const first = useRef(true);
  useEffect(() => {
    // a new page is read from its beginning, by eyes and by screen readers
    if (!first.current) {
      window.scrollTo(0, 0);
      content.current?.focus({ preventScroll: true });
    }
    first.current = false;
  }, [location]);
  return (
    <div className="shell">
      <a className="skip-link" href="#content" onClick={(event) => (event.preventDefault(), content.current?.focus())}>
        Skip to content
      </a>
      <Side location={location} />
      <div className="main">
        <header className="head">
          <SearchBox />
          <div className="head-end">
            <Connection />
            <ThemeButton />
          </div>
        </header>
        <Trouble />
        <main className="content" id="content" tabIndex={-1} ref={content} data-loopback={onLoopback}>
          {children}
        </main>
      </div>
    </div>
  );
}

function Side({ location }: { readonly location: string }) {
  const overview = useLive((state) => state.overview);
  const parked = overview?.subscribers.reduce((sum, one) => sum + one.parked, 0) ?? 0;
  const conflicts = overview?.subscribers.reduce((sum, one) => sum + one.conflicts, 0) ?? 0;
  const bubbles: Readonly<Record<string, number>> = { '/parked': parked, '/conflicts': conflicts };
  return (
    <div className="side">
      <Link href="/" className="brand">
        <img src="icon.svg" alt="" /> Syncflow
      </Link>
      <nav className="nav" aria-label="Pages">
        {pages.map(({ path, name, icon: Icon }) => (
          <Link key={path} href={path} aria-current={location === path ? 'page' : undefined}>
            <Icon aria-hidden="true" />
            {name}
            {(bubbles[path] ?? 0) > 0 && <span className="bubble">{bubbles[path]}</span>}
          </Link>
        ))}
      </nav>
      {overview !== undefined && (
        <div>
          <p className="nav-heading">Subscribers</p>
          <nav className="nav subscribers" aria-label="Subscribers">
            {overview.subscribers.map((one) => (
              <Link
                key={one.subscriber}
                href={`/s/${one.subscriber}`}
                aria-current={location === `/s/${one.subscriber}` ? 'page' : undefined}
              >
                <Dot tone={toneOf(one)} />
                <span className="clip">{one.subscriber}</span>
              </Link>
            ))}
          </nav>
        </div>
      )}
      {overview !== undefined && (
        <p className="side-foot">
          <Bookmark size={12} aria-hidden="true" /> {overview.environment} · {overview.hub}
        </p>
      )}
    </div>
  );
}

function SearchBox() {
  const [, go] = useLocation();
  const [text, setText] = useState('');
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      const isTyping = event.target instanceof HTMLElement && /^(input|textarea|select)$/i.test(event.target.tagName);
      if ((event.key === '/' && !isTyping) || (event.key === 'k' && (event.metaKey || event.ctrlKey))) {
        event.preventDefault();
        input.current?.focus();
        input.current?.select();
      }
    };
    window.addEventListener('keydown', onKey);
    return () => window.removeEventListener('keydown', onKey);
  }, []);
  return (
    <form
      className="search-box"
      role="search"
      onSubmit={(event) => {
        event.preventDefault();
        // what is searched for stays out of the address
        if (text.trim() === '') return;
        want(text.trim());
        go('/search');
      }}
    >
      <Search aria-hidden="true" />
      <input
        ref={input}
        value={text}
        onChange={(event) => setText(event.target.value)}
        placeholder="Key, remote id, e-mail or name"
        aria-label="Search records"
      />
      <kbd aria-hidden="true">/</kbd>
    </form>
  );
}

function Connection() {
  const connected = useLive((state) => state.connected);
  return (
    <span className="link-state" role="status">
      <Dot tone={connected ? 'good' : 'warn'} live={connected} />
      <span className="word">{connected ? 'Live' : 'Connecting…'}</span>
      <span className="sr">{connected ? '' : 'Not connected'}</span>
    </span>
  );
}

function ThemeButton() {
  const theme = useShownTheme();
  const other = theme === 'dark' ? 'light' : 'dark';
  return (
    <button
      type="button"
      className="button plain icon"
      aria-label={`Use the ${other} theme`}
      onClick={() => chooseTheme(other)}
    >
      {theme === 'dark' ? <Sun aria-hidden="true" /> : <Moon aria-hidden="true" />}
    </button>
  );
}

function Trouble() {
  const trouble = useLive((state) => state.trouble);
  if (trouble === null) return null;
  return (
    <p className="banner" role="alert">
      {trouble}
    </p>
  );
}
