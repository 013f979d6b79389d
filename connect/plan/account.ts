import { emailPattern } from '../../api/patterns.ts';
import { exitCodes } from '../../api/exitCodes.ts';
import { Failure } from '../failure.ts';
import type { Request } from '../request.ts';
import { type Intent, isSame } from './intent.ts';

/** Who signed in, as Graph has it. */
export interface Account {
  /** Null for some personal accounts. */
  readonly mail: string | null;
  readonly userPrincipalName: string | null;
}

export interface Mailbox {
  readonly emailAddress: string;
  /** Absent where it is the address. */
  readonly userPrincipalName?: string;
}

const namesOf = ({ mail, userPrincipalName }: Account): string[] =>
  [...new Set([mail, userPrincipalName])]
    .filter((one) => one !== null)
    .filter((one) => new RegExp(emailPattern).test(one));

/**
 * A grant of another mailbox than the one that is meant would bring one person's mail under another's name. What is
 * another address of the same mailbox, an alias for example, is told by nothing.
 */
function checkAddress(names: readonly string[], expected: readonly string[]): void {
  if (expected.length === 0 || names.some((name) => expected.some((one) => isSame(name, one)))) return;
  throw new Failure(
    exitCodes.refused,
    `Signed in was ${names.join(' or ') || 'an account without an address'}, not ${expected.join(' or ')}. Nothing was written. Sign in with that account, or say --accept-other-address where both are the same mailbox`,
  );
}

/**
 * The mailbox of a sign-in.
 * @throws Failure where it is another than the one that is meant, and nobody has consented to that
 */
export function mailboxOf(account: Account, request: Request, intent: Intent): Mailbox {
  const names = namesOf(account);
  const expected = request.emailAddress === undefined ? intent.addresses : [request.emailAddress];
  if (!request.mayAcceptOtherAddress) checkAddress(names, expected);
  const [emailAddress] = [...expected, ...names];
  if (emailAddress === undefined)
    throw new Failure(
      exitCodes.refused,
      'Graph tells no address of the account. Nothing was written. Name it: --email anna@contoso.com',
    );
  const userPrincipalName = names.find((name) => name === account.userPrincipalName);
  return userPrincipalName === undefined || isSame(userPrincipalName, emailAddress)
    ? { emailAddress }
    : { emailAddress, userPrincipalName };
}
