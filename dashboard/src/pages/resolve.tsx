/** What can be decided about a logged conflict: either side's value as it was, or another. */
import { useState } from 'react';
import { showJson } from '../data/format.js';
import { Confirm } from '../ui/confirm.js';

interface Props {
  readonly id: string;
  readonly unit: string;
  /** JSON texts. */
  readonly hub: string | null;
  readonly remote: string | null;
}

export function ResolveButtons({ id, unit, hub, remote }: Props) {
  const [value, setValue] = useState('');
  const rest = <p>It is saved in the hub like any edit, goes to every subscriber, and stands in the audit.</p>;
  return (
    <div className="row wrap">
      <Confirm
        label="Take the hub’s"
        title={`Take the hub’s ${unit}?`}
        confirm="Take the hub’s"
        deed={{ path: 'resolve', body: { id, take: 'hub' } }}
      >
        <p>
          {unit} becomes <strong>{showJson(hub)}</strong>.
        </p>
        {rest}
      </Confirm>
      <Confirm
        label="Take the remote’s"
        title={`Take the remote’s ${unit}?`}
        confirm="Take the remote’s"
        deed={{ path: 'resolve', body: { id, take: 'remote' } }}
      >
        <p>
          {unit} becomes <strong>{showJson(remote)}</strong>.
        </p>
        {rest}
      </Confirm>
      <Confirm
        label="Another value…"
        className="button plain"
        title={`Set another ${unit}`}
        confirm="Set it"
        deed={() => (value === '' ? undefined : { path: 'resolve', body: { id, take: 'value', value: parsed(value) } })}
      >
        <label className="named">
          {unit}
          <input className="field" value={value} onChange={(event) => setValue(event.target.value)} />
        </label>
        <p className="small">Text as it is; numbers, lists and null as JSON.</p>
        {rest}
      </Confirm>
    </div>
  );
}

/** `42` is a number where the record has one; `+420 1111` is a text. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
