/** The variables that keep Deno from using a proxy for a host; it reads them when a client is made. */
const NO_PROXY = ["NO_PROXY", "no_proxy"] as const;

/**
 * Makes a client for one host that keeps no connection, and uses no proxy: a health check asks the service itself, and
 * a proxy that hail needs for its Hydra knows nothing of 127.0.0.1.
 *
 * Deno has no option for that, only variables of the environment. They are as before when the function returns; nothing
 * else runs meanwhile.
 *
 * @param host As in a URI, an address of IPv6 in brackets.
 * @param certificates Authorities to trust beside those that Deno trusts, in PEM. What cannot be read is passed over.
 */
export function createDirectClient(host: string, certificates: readonly string[]): Deno.HttpClient {
  const before = NO_PROXY.map((name) => Deno.env.get(name));
  try {
    for (const name of NO_PROXY) Deno.env.set(name, host.replace(/^\[|\]$/g, ""));
    return trusting(certificates);
  } catch {
    // One odd certificate must not cost the others of a system's bundle.
    return trusting(certificates.filter(isReadable));
  } finally {
    for (const [index, name] of NO_PROXY.entries()) {
      const value = before[index];
      if (value === undefined) Deno.env.delete(name);
      else Deno.env.set(name, value);
    }
  }
}

function trusting(certificates: readonly string[]): Deno.HttpClient {
  return Deno.createHttpClient({ caCerts: [...certificates], poolMaxIdlePerHost: 0, http2: false });
}

function isReadable(certificate: string): boolean {
  try {
    trusting([certificate]).close();
    return true;
  } catch {
    return false;
  }
}
