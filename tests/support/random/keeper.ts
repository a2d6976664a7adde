/** How the services of a random test are kept: by a hail each, or by one agent for all of them. */

/** How services are kept. */
export type Keeping = "units" | "agent";

/** The configuration of the agent, on the host. */
export const CONFIG = "/etc/hail/config.toml";

const AGENT = "hail-agent.service";

/** The unit whose hail keeps a service. */
export function unitOf(keeping: Keeping, service: string): string {
  return keeping === "agent" ? AGENT : `hail@${service}.service`;
}

/** The unit files, by their names. */
export function unitFiles(
  keeping: Keeping,
  jobUri: (service: string) => string,
  options: readonly string[],
): Readonly<Record<string, string>> {
  const hail = "/usr/local/bin/hail";
  if (keeping === "agent") return { [AGENT]: unitFile(`${hail} agent --config ${CONFIG}`) };
  const words = ["--profile", "hail-profiles/%i", "--job-uri", jobUri("%i"), ...options];
  return { "hail@.service": unitFile([hail, ...words].join(" ")) };
}

function unitFile(command: string): string {
  return `[Unit]
StartLimitIntervalSec=0
[Service]
Type=notify
Restart=always
RestartSec=200ms
KillMode=mixed
WatchdogSec=60s
ExecStart=${command}
ExecReload=/bin/kill -HUP $MAINPID
[Install]
WantedBy=multi-user.target
`;
}

/** What an agent is told, which changes. */
export class AgentConfig {
  readonly #out = new Map<string, number>();
  readonly #healthTimeouts = new Map<string, number>();
  #spoilt = 0;

  /**
   * @param jobUris The services, and their jobs.
   * @param options Of all services, as on the classic command line; none is a flag.
   */
  constructor(
    private readonly jobUris: ReadonlyMap<string, string>,
    private readonly options: readonly string[],
  ) {}

  /** Takes a service out, or puts it in again. */
  setOut(service: string, out: boolean): void {
    this.#out.set(service, (this.#out.get(service) ?? 0) + (out ? 1 : -1));
  }

  /** Makes the file one that must be refused, or a good one again. */
  setSpoilt(spoilt: boolean): void {
    this.#spoilt += spoilt ? 1 : -1;
  }

  /** Changes something that makes no difference. */
  setHealthTimeout(service: string, seconds: number): void {
    this.#healthTimeouts.set(service, seconds);
  }

  /** The file. */
  text(): string {
    const lines = ["max-realisations = 4", "max-activations = 4"];
    for (let index = 0; index < this.options.length; index += 2) {
      lines.push(`${this.options[index]?.slice("--".length)} = "${this.options[index + 1]}"`);
    }
    // Good for all but the last key, so that none of it may be applied.
    if (this.#spoilt > 0) lines.push('on-removal = "purge"', 'pol-period = "1s"');
    for (const [service, jobUri] of this.jobUris) {
      if ((this.#out.get(service) ?? 0) > 0) continue;
      lines.push(`[services.${service}]`, `profile = "hail-profiles/${service}"`, `job-uri = "${jobUri}"`);
      const timeout = this.#healthTimeouts.get(service);
      if (timeout !== undefined) lines.push(`health-timeout = "${timeout}s"`);
    }
    return `${lines.join("\n")}\n`;
  }
}
