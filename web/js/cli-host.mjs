// The hosts by which requests may address `coincide serve`.
//
// A website can have its own name resolve to 127.0.0.1 (DNS rebinding). Browsers then regard the files of this server as files of that website, and
// let its scripts read them. Such requests differ from others only in their `Host`.
import { isIPv4, isIPv6 } from 'node:net';

/** The canonical form of a host name or an address without a port; null if it is neither. */
export const hostOf = text => {
  const name = text.replace(/^\[(.*:.*)\]$/, '$1');
  if (isIPv6(name) && !name.includes('%')) return new URL(`http://[${name}]`).hostname.slice(1, -1);
  return /^[\w.-]+$/.test(text) ? text.replace(/(?<=.)\.$/, '').toLowerCase() : null;
};

/**
 * Whether a request may name its hosts: null if one is malformed, or there is not one `Host`; '' if all are allowed, or the one that is not.
 *
 * The address that the connection was made to is always allowed, as are those of the loopback interface: a browser sends an address only to the
 * machine that has it. Names are allowed if they end in `localhost`, or if they are listed.
 * @param {import('node:http').IncomingMessage} request
 * @param {string | undefined} target The authority of a target that is a whole URL, whose host overrides the header.
 * @param {string[]} allowed Further hosts, in canonical form.
 */
export const refusedHost = ({ headersDistinct, socket }, target, allowed) => {
  const { host: values = [] } = headersDistinct;
  if (values.length !== 1) return null;
  // A socket that listens on `::` sees IPv4 addresses in disguise.
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
