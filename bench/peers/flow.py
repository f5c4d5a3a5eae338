"""Flow matching: the Euler step and the stochastic step of Flow-GRPO (arXiv 2505.05470)."""
import math


class Schedule:
    """`steps` denoising steps with equally spaced noise levels from 1 to 0."""

    def __init__(self, steps, eta):
        self.sigmas = [1 - i / steps for i in range(steps + 1)]
        self.eta = eta

    def deterministic(self, x, velocity, step):
        return x + velocity * (self.sigmas[step + 1] - self.sigmas[step])

    def transition(self, x, velocity, step):
        """Mean and standard deviation of the stochastic step from level `step` to the next."""
        sigma, dt = self.sigmas[step], self.sigmas[step + 1] - self.sigmas[step]
        std = self.eta * math.sqrt(sigma / (1 - (self.sigmas[1] if step == 0 else sigma)))
        drift = std * std / (2 * sigma) * dt
        mean = x * (1 + drift) + velocity * (dt + drift * (1 - sigma))
        return mean, std * math.sqrt(-dt)


def log_prob(x, mean, std):
    """Gaussian log-density, mean over the elements of each edit."""
    return (x - mean).square().mean((1, 2)) / (-2 * std * std) - math.log(std) - 0.5 * math.log(2 * math.pi)
