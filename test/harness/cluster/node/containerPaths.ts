// Container paths as host paths. Pure.
//
// Without root a process cannot have a file system of its own. So the texts that a Pod gives to its process (command,
// arguments, variables) are changed where they begin with a path that the node knows, alone or after `--option=`.

export interface PathMapping {
  /** Absolute, without a slash at its end. */
  readonly containerPath: string;
  readonly hostPath: string;
}

/** The text with a container path at its begin replaced; of nested paths the longest counts. */
export function toHostPath(text: string, mappings: readonly PathMapping[]): string {
  const [, option = '', path = ''] = /^(--?[\w-]+=)?(.*)$/s.exec(text) ?? [];
  const longestFirst = mappings.toSorted((a, b) => b.containerPath.length - a.containerPath.length);
  const found = longestFirst.find(
    ({ containerPath }) => path === containerPath || path.startsWith(`${containerPath}/`),
  );
  if (found === undefined) return text;
  return `${option}${found.hostPath}${path.slice(found.containerPath.length)}`;
}
