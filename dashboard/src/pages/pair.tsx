/** Parts a record from its remote, or says which remote it belongs to: a person's word about who stands for whom. */
import { Link2, Unlink } from 'lucide-react';
import { useState } from 'react';
import type { SubscriberReport } from '../../../src/server/dashboard/contract.js';
import { showKey } from '../data/format.js';
import { Confirm } from '../ui/confirm.js';

interface Props {
  readonly one: SubscriberReport;
  readonly link: string | undefined;
  readonly recordKey: string;
  /** Whether there is a row: only that can be linked. */
  readonly isHere: boolean;
}

export function PairButtons({ one, link, recordKey, isHere }: Props) {
  const isPaired = one.link !== null && one.link.remoteId !== null && one.link.state !== 'gone';
  if (isPaired) return link === undefined ? null : <UnlinkButton one={one} link={link} recordKey={recordKey} />;
  return isHere ? <LinkButton one={one} recordKey={recordKey} /> : null;
}

function UnlinkButton({ one, link, recordKey }: Omit<Props, 'isHere' | 'link'> & { readonly link: string }) {
  const [separate, setSeparate] = useState(false);
  const name = showKey(recordKey);
  const remote = one.link?.remoteId ?? 'its remote';
  return (
    <Confirm
      label={
        <>
          <Unlink aria-hidden="true" /> Unlink
        </>
      }
      title={`Unlink ${name} from ${remote}?`}
      confirm="Unlink"
      danger
      deed={{ path: 'unlink', body: { link, separate } }}
    >
      <p>
        The record and the remote part. Nothing is deleted on either side, and neither is changed by this. What becomes
        of them?
      </p>
      <fieldset className="choices">
        <legend className="sr">What becomes of them</legend>
        <label>
          <input type="radio" name="apart" checked={!separate} onChange={() => setSeparate(false)} />
          <span>
            <strong>Both are left alone</strong>
            <br />
            Edits of either stay where they are made, until somebody links them again.
          </span>
        </label>
        <label>
          <input type="radio" name="apart" checked={separate} onChange={() => setSeparate(true)} />
          <span>
            <strong>Each gets a partner of its own</strong>
            <br />
            {one.subscriber} gets a new remote for {name}, and the hub a new record for {remote}.
          </span>
        </label>
      </fieldset>
    </Confirm>
  );
}

function LinkButton({ one, recordKey }: Pick<Props, 'one' | 'recordKey'>) {
  const { subscriber, former } = one;
  // most likely the one that it was parted from
  const [remoteId, setRemoteId] = useState(former.at(-1)?.remoteId ?? '');
  const name = showKey(recordKey);
  return (
    <Confirm
      label={
        <>
          <Link2 aria-hidden="true" /> Link…
        </>
      }
      title={`Which remote of ${subscriber} is ${name}?`}
      confirm="Link"
      deed={() =>
        remoteId.trim() === ''
          ? undefined
          : { path: 'link', body: { subscriber, key: recordKey, remoteId: remoteId.trim() } }
      }
    >
      <p>
        The two are merged next, field by field, by the authority that each field declares: values on both sides may be
        overwritten.
      </p>
      <label className="named">
        The remote’s id
        <input className="field mono" value={remoteId} onChange={(event) => setRemoteId(event.target.value)} />
      </label>
    </Confirm>
  );
}
