import autocannon from 'autocannon';

export type LoadResult = { readonly requestsPerSecond: number; readonly p50Ms: number; readonly p99Ms: number };

/**
 * Requests the paths from `baseUrl`, each path once per round, and measures every answer.
 * @throws Error when an answer is not 2xx: failures are not what is measured.
 */
export async function load(
  baseUrl: string,
  paths: readonly string[],
  seconds: number,
  connections = 32,
): Promise<LoadResult> {
  let asked = 0;
  const result = await autocannon({
    url: baseUrl,
    connections,
    duration: seconds,
    requests: [
      {
        setupRequest: (request) => {
          request.path = paths[asked++ % paths.length]!;
          return request;
        },
      },
    ],
  });
  if (result.errors + result.timeouts + result.non2xx > 0) {
    throw new Error(
      `${baseUrl}: ${result.non2xx} answers were not 2xx, ${result.errors} errors, ${result.timeouts} timeouts`,
    );
  }
  if (result.requests.total === 0) throw new Error(`${baseUrl}: no answer within ${seconds} s`);
  return {
    requestsPerSecond: result.requests.average,
    p50Ms: result.latency.p50,
    p99Ms: result.latency.p99,
  };
}
