/** Keeps secrets and personal data out of logs and terminals. */

/** What marks a secret wherever it stands: the rules are about forms, so that no caller has to know the values. */
const secretForms: readonly (readonly [RegExp, string])[] = [
  // user and password in any URL; passwords may hold "@", so up to the last one before the host ends
  [/\b([a-z][a-z0-9+.-]*:\/\/)[^\s/?#"'<>]*@/gi, '$1***@'],
  // the simulator's own key is no secret: whoever tries it must read it
  [/\b(sk|rk|pk)_(live|test)_(?!simulator\b)\w+/g, '$1_$2_***'],
  [/\bwhsec_[\w+/=-]+/g, 'whsec_***'],
  [/\b(Bearer|Basic)\s+[\w.~+/=-]{6,}/gi, '$1 ***'],
  [/\beyJ[\w-]{8,}\.[\w-]+\.[\w-]*/g, '***'],
  [
    /\b((?:api[_-]?key|access[_-]?token|token|secret|password|passwd|pwd|signature|authorization)["']?\s*[=:]\s*)(?!process\.env|["']?sk_test_simulator\b)(?:"[^"]*"|'[^']*'|[^\s,;&"')]+)/gi,
    '$1***',
  ],
];

const emailForm: readonly [RegExp, string] = [/[\w.!#$%&'*+/=?^`{|}~-]+@[\w-]+(?:\.[\w-]+)+/g, '<email>'];

const personalForms: readonly (readonly [RegExp, string])[] = [
  emailForm,
  // values as Postgres, Zod and most APIs quote them: after "=" or ":"
  [/\)=\([^)]*\)/g, ')=(…)'],
  [/(:\s*)(?:"[^"]*"|'[^']*')/g, '$1"…"'],
  [/(?<![\w-])\+?\d[\d ()/-]{7,}\d(?![\w-])/g, '<number>'],
];

function replaceAll(text: string, forms: readonly (readonly [RegExp, string])[]): string {
  return forms.reduce((masked, [form, mask]) => masked.replace(form, mask), text);
}

/** The text with credentials masked: what a terminal may show. */
export function maskSecrets(text: string): string {
  return replaceAll(text, secretForms);
}

/** The text with credentials and whatever looks like personal data masked: what a log may keep. */
export function maskPersonal(text: string): string {
  return replaceAll(maskSecrets(text), personalForms);
}

/** A record's key or a remote's id as logs and traces may keep it: without it nobody finds the record, but an address isn't written down. */
export function maskKey(key: string): string {
  return replaceAll(key, [emailForm]);
}
