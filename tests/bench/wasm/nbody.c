// Five bodies that attract each other.
#include <stdint.h>

enum { BODIES = 5 };
struct body {
    double x, y, z, vx, vy, vz, mass;
};
static struct body bodies[BODIES];

uint64_t run(uint32_t n) {
    for (int i = 0; i < BODIES; i++) bodies[i] = (struct body){i * 1.1, i * 0.7, i * i * 0.3, 0, 0, 0, 1 + i};
    for (uint32_t step = 0; step < n; step++) {
        for (int i = 0; i < BODIES; i++)
            for (int j = i + 1; j < BODIES; j++) {
                struct body *one = &bodies[i], *other = &bodies[j];
                double dx = one->x - other->x, dy = one->y - other->y, dz = one->z - other->z;
                double square = dx * dx + dy * dy + dz * dz;
                double pull = 0.001 / (square * __builtin_sqrt(square));
                one->vx -= dx * other->mass * pull;
                one->vy -= dy * other->mass * pull;
                one->vz -= dz * other->mass * pull;
                other->vx += dx * one->mass * pull;
                other->vy += dy * one->mass * pull;
                other->vz += dz * one->mass * pull;
            }
        for (int i = 0; i < BODIES; i++) {
            bodies[i].x += 0.001 * bodies[i].vx;
            bodies[i].y += 0.001 * bodies[i].vy;
            bodies[i].z += 0.001 * bodies[i].vz;
        }
    }
    double energy = 0;
    for (int i = 0; i < BODIES; i++)
        energy += bodies[i].mass * (bodies[i].vx * bodies[i].vx + bodies[i].vy * bodies[i].vy + bodies[i].vz * bodies[i].vz);
    return (uint64_t)(int64_t)(energy * 1e6);
}
