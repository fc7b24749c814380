/** Questions with choices on a terminal. */
import { cancel, isCancel, multiselect, select, text } from '@clack/prompts';

export interface Choice {
  readonly value: string;
  readonly label?: string;
  readonly hint?: string;
}

export interface Prompter {
  /** One of the choices. Undefined where whoever is asked gives up. */
  one(question: string, choices: readonly Choice[]): Promise<string | undefined>;
  /** Any of the choices. */
  some(question: string, choices: readonly Choice[], chosen: readonly string[]): Promise<readonly string[] | undefined>;
  text(question: string, given: string): Promise<string | undefined>;
}

/** What was answered; undefined for Ctrl-C and Escape. */
function answered<T>(answer: T | symbol): Exclude<T, symbol> | undefined {
  if (!isCancel(answer) && typeof answer !== 'symbol') return answer as Exclude<T, symbol>;
  cancel('Nothing was written.');
  return undefined;
}

const options = (choices: readonly Choice[]) =>
  choices.map(({ value, label, hint }) => ({ value, label: label ?? value, ...(hint === undefined ? {} : { hint }) }));

export const terminalPrompter: Prompter = {
  one: async (message, choices) => answered(await select({ message, options: options(choices) })),
  some: async (message, choices, chosen) =>
    answered(
      await multiselect({
        message,
        options: options(choices),
        initialValues: [...chosen],
        required: false,
        maxItems: 15,
      }),
    ),
  text: async (message, given) => answered(await text({ message, initialValue: given })),
};
