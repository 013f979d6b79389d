// What `helm test` runs, with nothing but Node: whether the release does what it is there for. Tries again until all is
// well or the time is up, and then says what is not. Environment: see below.
import { readFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';

const { OPERATOR_URL, WEBHOOK_URL = '', API_URL, LEASE_PATH, TIMEOUT_SECONDS = '60' } = process.env;
const ACCOUNT = process.env.ACCOUNT_FOLDER ?? '/var/run/secrets/kubernetes.io/serviceaccount';

/** Resolves to status and text of the answer; rejects when there is none within five seconds. */
function ask(url, options = {}) {
  const { request } = url.startsWith('https:') ? https : http;
  return new Promise((done, fail) => {
    const asking = request(url, { timeout: 5000, agent: false, ...options }, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (piece) => (text += piece));
      answer.on('error', fail).on('end', () => done({ status: answer.statusCode, text }));
    });
    asking.on('timeout', () => asking.destroy(new Error('no answer within five seconds')));
    asking.on('error', fail).end();
  });
}

function askApi(path) {
  const headers = { authorization: `Bearer ${readFileSync(`${ACCOUNT}/token`, 'utf8').trim()}` };
  const ca = API_URL.startsWith('https:') ? readFileSync(`${ACCOUNT}/ca.crt`) : undefined;
  return ask(API_URL + path, { headers, ca });
}

function expect(is, what) {
  if (!is) throw new Error(what);
}

async function isReady(url) {
  const { status, text } = await ask(`${url}/readyz`);
  expect(status === 200, `/readyz answered ${status}: ${text.trim()}`);
}

const checks = {
  'The API server serves OutlookProviders': async () => {
    const { status, text } = await askApi('/apis/outlooksync.dev/v1alpha1');
    expect(status === 200 && text.includes('"outlookproviders"'), `it answered ${status}; is the CRD there?`);
  },
  'An operator leads': async () => {
    const { status, text } = await askApi(LEASE_PATH);
    expect(status === 200, `asked for the Lease, the API server answered ${status}`);
    const { holderIdentity, renewTime, leaseDurationSeconds } = JSON.parse(text).spec;
    expect(holderIdentity, 'nobody holds the Lease');
    const ageSeconds = (Date.now() - Date.parse(renewTime)) / 1000;
    expect(ageSeconds < 2 * leaseDurationSeconds + 60, `${holderIdentity} fell silent at ${renewTime}`);
  },
  'The operator is ready': () => isReady(OPERATOR_URL),
  ...(WEBHOOK_URL !== '' && {
    'The webhook is ready': () => isReady(WEBHOOK_URL),
    'The webhook answers the handshake of Microsoft Graph': async () => {
      const url = `${WEBHOOK_URL}/outlook-sync/webhooks/push?validationToken=helm%20test`;
      const { status, text } = await ask(url, { method: 'POST' });
      expect(status === 200 && text === 'helm test', `it answered ${status}: ${text.slice(0, 200)}`);
    },
    'The webhook turns away who has a wrong token': async () => {
      const url = `${WEBHOOK_URL}/outlook-sync/webhooks/push?token=wrong`;
      const { status } = await ask(url, { method: 'POST' });
      expect(status === 401, `it answered ${status}`);
    },
  }),
};

async function problemOf(check) {
  try {
    await check();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message || error.code : String(error);
  }
}

const until = Date.now() + Number(TIMEOUT_SECONDS) * 1000;
for (const [what, check] of Object.entries(checks)) {
  let problem = await problemOf(check);
  while (problem !== undefined && Date.now() < until) {
    await sleep(500);
    problem = await problemOf(check);
  }
  console.log(problem === undefined ? `ok: ${what}` : `FAILED: ${what}: ${problem}`);
  if (problem !== undefined) process.exitCode = 1;
}
