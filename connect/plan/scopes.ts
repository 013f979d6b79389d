/** What a sign-in has to be asked for, and has to have got, for the job to work with it. */

const shortOf = (scope: string): string => (scope.split('/').at(-1) ?? '').toLowerCase();

const has = (scopes: string, ...names: readonly string[]): boolean =>
  scopes.split(' ').some((scope) => names.includes(shortOf(scope)));

const mail = ['mail.read', 'mail.readwrite', '.default'];
const user = ['user.read', 'user.readwrite', 'user.read.all', 'user.readbasic.all', '.default'];

/** What is wrong with scopes that are to be asked for, separated by blanks. */
export function missingScopes(scopes: string): string[] {
  return [
    ...(has(scopes, 'offline_access') ? [] : ['lacks offline_access: there would be no refresh token']),
    ...(has(scopes, ...mail) ? [] : ['lacks Mail.Read: the job could not read mail']),
    ...(has(scopes, ...user) ? [] : ['lacks User.Read: it could not be told who has signed in']),
    ...(has(scopes, 'openid') ? ['has openid: an id_token is not asked for, and would not be read'] : []),
  ];
}

/** Whether what was granted lets mail be read. Microsoft names what it granted, but for offline_access. */
export function grantsMail(scopes: string): boolean {
  return has(scopes, ...mail);
}
