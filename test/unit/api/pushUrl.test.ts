import { expect, it } from 'vitest';
import { lifecyclePath, pushPath, subscriptionUrls } from '../../../api/pushUrl.ts';

const id = '0b7e2f8a-0d7a-4c55-9d37-2b6a4f0f7a11';

it('the URLs of a subscription name the provider and bring the token', () => {
  const urls = subscriptionUrls(`https://outlook.example.com${pushPath}`, id, 'a b&c=d');
  const query = `?providerId=${id}&token=a+b%26c%3Dd`;
  expect(urls.notificationUrl).toBe(`https://outlook.example.com${pushPath}${query}`);
  expect(urls.lifecycleNotificationUrl).toBe(`https://outlook.example.com${lifecyclePath}${query}`);
  expect(new URL(urls.notificationUrl).searchParams.get('token')).toBe('a b&c=d');
});

it('without a token the query has none', () => {
  const { notificationUrl } = subscriptionUrls(`https://outlook.example.com${pushPath}`, id, '');
  expect([...new URL(notificationUrl).searchParams.keys()]).toEqual(['providerId']);
});

it('what stands in the query already stays, but no second token or provider comes in', () => {
  const base = `https://gate.example.com:8443/tenant/push?api-version=2&token=old&providerId=x`;
  const urls = subscriptionUrls(base, id, 'new');
  expect(urls.notificationUrl).toBe(
    `https://gate.example.com:8443/tenant/push?api-version=2&token=new&providerId=${id}`,
  );
  expect(urls.lifecycleNotificationUrl).toBe(
    `https://gate.example.com:8443/tenant/lifecycle?api-version=2&token=new&providerId=${id}`,
  );
});

it.each([
  [`https://a.example${pushPath}/`, lifecyclePath],
  ['https://a.example/push', '/lifecycle'],
  ['https://a.example', '/lifecycle'],
])('the lifecycle URL of %s differs by its last segment', (base, path) => {
  expect(new URL(subscriptionUrls(base, id, '').lifecycleNotificationUrl).pathname).toBe(path);
});
