/** Finds records by key, by the remote's id, by e-mail, or by how a text begins. */
import { useQuery } from '@tanstack/react-query';
import { SearchX, TextSearch } from 'lucide-react';
import { Link } from 'wouter';
import type { SearchHit } from '../../../src/server/dashboard/contract.js';
import { read } from '../data/api.js';
import { plural } from '../data/format.js';
import { useWanted } from '../data/wanted.js';
import { RecordLink, standingOf } from '../ui/links.js';
import { Badge, Empty, Failed, Loading } from '../ui/parts.js';

export function Search() {
  const text = useWanted();
  const found = useQuery({
    queryKey: ['search', text],
    queryFn: ({ signal }) => read<{ hits: SearchHit[] }>('search', { text }, signal),
    enabled: text !== '',
  });
  const hits = found.data?.hits ?? [];
  return (
    <>
      <div className="page-head">
        <div>
          <h1>Search</h1>
          <p>
            {text === ''
              ? 'By key, remote id, e-mail, or how a name begins.'
              : found.isSuccess
                ? `${plural(hits.length, 'hit')} for “${text}”`
                : `“${text}”`}
          </p>
        </div>
      </div>
      <section className="card" aria-label="Hits">
        {text === '' && (
          <Empty icon={TextSearch} title="Type above">
            Press / from anywhere to get there.
          </Empty>
        )}
        {found.isLoading && <Loading />}
        {found.isError && <Failed error={found.error} onRetry={() => void found.refetch()} />}
        {found.isSuccess && hits.length === 0 && (
          <Empty icon={SearchX} title="Nothing is found">
            Keys and remote ids must be whole; e-mails and names may be begun. A record that never met a subscriber
            isn’t known here.
          </Empty>
        )}
        <ul className="feed">
          {hits.map((hit) => (
            <Hit key={hit.id} hit={hit} />
          ))}
        </ul>
      </section>
    </>
  );
}

function Hit({ hit }: { readonly hit: SearchHit }) {
  const { tone, word } = standingOf(hit);
  const catalog = hit.subscriber.split('/')[0] ?? '';
  return (
    <li className="entry">
      <div className="grow">
        <p className="clip">
          {catalog} <RecordLink row={hit} /> {hit.label !== null && <span className="soft">{hit.label} </span>}
          <Link href={`/s/${hit.subscriber}`} className="small muted strong">
            {hit.subscriber}
          </Link>
        </p>
        <p className="clip small muted">
          {hit.field === null ? (
            <span className="mono">{hit.remoteId ?? 'no remote yet'}</span>
          ) : (
            `${hit.field}: ${hit.value ?? ''}`
          )}
        </p>
      </div>
      <Badge tone={tone}>{word}</Badge>
    </li>
  );
}
