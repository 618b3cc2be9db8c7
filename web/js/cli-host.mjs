// Checks the hosts in requests to `coincide serve`.
//
// A website can make its own name resolve to 127.0.0.1 (DNS rebinding). Browsers then treat files of this server as files of that website, which its scripts may
// read. Only the `Host` distinguishes such requests.
import { isIPv4, isIPv6 } from 'node:net';

/** The canonical form of a host name or an address without a port; null if it is neither. */
export const hostOf = text => {
  const name = text.replace(/^\[(.*:.*)\]$/, '$1');
  if (isIPv6(name) && !name.includes('%')) return new URL(`http://[${name}]`).hostname.slice(1, -1);
  return /^[\w.-]+$/.test(text) ? text.replace(/(?<=.)\.$/, '').toLowerCase() : null;
};

/**
 * The first host of a request that is not allowed; '' if all are allowed; null if a host is malformed, or there is not exactly one `Host`.
 *
 * The address of the connection and loopback addresses are always allowed, because a browser sends an address only to the machine that has it. Names are allowed if
 * they end in `localhost` or are listed.
 * @param {import('node:http').IncomingMessage} request
 * @param {string | undefined} target The authority of a target that is an absolute URL, whose host overrides the header.
 * @param {string[]} allowed Further hosts, in canonical form.
 */
export const refusedHost = ({ headersDistinct, socket }, target, allowed) => {
  const { host: values = [] } = headersDistinct;
  if (values.length !== 1) return null;
  // A socket that listens on `::` has IPv4 addresses in the form of IPv6.
  const local = socket.localAddress?.replace(/^::ffff:(?=\d+\.)/i, '');
  const authorities = target === undefined ? values : [...values, target];
  const hosts = authorities.map(hostOfAuthority);
  if (hosts.includes(null)) return null;
  const isOfThisMachine = host =>
    isIPv4(host) || isIPv6(host) ? /^(127\.|::1$)/.test(host) || host === local : /(^|\.)localhost$/.test(host);
  return hosts.find(host => !isOfThisMachine(host) && !allowed.includes(host)) ?? '';
};

/** The host of `host` or `host:port`. */
const hostOfAuthority = authority => {
  const host = authority.replace(/:\d*$/, '');
  return host.includes(':') && !host.startsWith('[') ? null : hostOf(host);
};
